// Writes nodes field by field, as `fields` asks, nested fields included; and pages of /me/accounts by cursors.
#include "nodes.hpp"

#include <algorithm>
#include <charconv>
#include <functional>

#include "errors.hpp"
#include "json.hpp"

namespace ig::sandbox {

namespace {

struct Field {
    std::string name;
    std::string nested;  // what stood in braces
};

// "id,name,account{id,username}.limit(5)" -> fields with their nested lists; arguments are skipped.
std::vector<Field> split_fields(std::string_view text)
{
    std::vector<Field> fields;
    Field field;
    int depth = 0;
    bool argument = false;
    for (const char c : std::string(text) + ",") {
        if (c == ',' && depth == 0) {
            if (!field.name.empty()) fields.push_back(field);
            field = Field{};
            argument = false;
            continue;
        }
        const bool closes = c == '}' || c == ')';
        if (closes) --depth;
        if (c == '.' && depth == 0) argument = true;
        if (depth > 0 && !argument) field.nested += c;
        if (c == '{' || c == '(') ++depth;
        if (depth == 0 && !argument && !closes) field.name += c;
    }
    return fields;
}

using WriteField = std::function<bool(JsonWriter &, const Field &)>;

// The object with these fields; `id` always comes. Throws Refused for a field that the node does not have.
void write_node(JsonWriter &writer, std::string_view fields, std::string_view node, const WriteField &write)
{
    std::vector<Field> list = split_fields(fields);
    if (std::none_of(list.begin(), list.end(), [](const Field &f) { return f.name == "id"; })) {
        list.push_back({"id", ""});
    }
    writer.StartObject();
    for (const Field &field : list) {
        if (!write(writer, field)) throw Refused{nonexisting_field(field.name, node)};
    }
    writer.EndObject();
}

void write_number(JsonWriter &writer, std::string_view name, const std::optional<std::string> &json)
{
    if (!json) return;
    write_name(writer, name);
    write_raw(writer, *json);
}

bool write_user_field(JsonWriter &writer, const World &world, const Account &account, Flavour flavour,
                      const Field &field)
{
    const bool instagram = flavour == Flavour::instagram;
    const auto number = [&](const char *what, std::uint64_t below) {
        return std::to_string(world.values.mix(account.id, what, 0) % below);
    };
    if (field.name == "id") {
        write_member(writer, "id", instagram ? app_scoped_id(account) : account.id);
    } else if (field.name == "username") {
        write_member(writer, "username", account.username);
    } else if (field.name == "name") {
        if (!account.name.empty()) write_member(writer, "name", account.name);
    } else if (field.name == "followers_count") {
        write_number(writer, "followers_count", world.values.followers(account));
    } else if (field.name == "follows_count") {
        write_number(writer, "follows_count", number("follows_count", 900));
    } else if (field.name == "media_count") {
        write_number(writer, "media_count", number("media_count", 400));
    } else if (field.name == "profile_picture_url") {
        write_member(writer, "profile_picture_url", "https://cdn.invalid/v/" + account.id + ".jpg?oh=1&oe=2");
    } else if (field.name == "biography") {
        write_member(writer, "biography", "Café \xF0\x9F\x8C\xB5 since 2019 / \"fresh\"");
    } else if (field.name == "website") {
        // left out: a missing thing is absent, not null
    } else if (field.name == "ig_id" && !instagram) {
        write_number(writer, "ig_id", number("ig_id", 90'000'000'000'000'000ull));
    } else if (field.name == "user_id" && instagram) {
        write_member(writer, "user_id", account.id);
    } else if (field.name == "account_type" && instagram) {
        write_member(writer, "account_type", "BUSINESS");
    } else {
        return false;
    }
    return true;
}

std::string user_json(const World &world, const Account &account, Flavour flavour, std::string_view fields)
{
    rapidjson::StringBuffer buffer;
    JsonWriter writer(buffer);
    write_node(writer, fields, "IGUser", [&](JsonWriter &to, const Field &field) {
        return write_user_field(to, world, account, flavour, field);
    });
    return {buffer.GetString(), buffer.GetSize()};
}

// A page; without an account it is one that has no Instagram.
struct Page {
    std::string id;
    std::string name;
    const Account *account = nullptr;
};

void write_page(JsonWriter &writer, const World &world, const Page &page, const Token &token, std::string_view fields)
{
    write_node(writer, fields, "Page", [&](JsonWriter &to, const Field &field) {
        if (field.name == "id") {
            write_member(to, "id", page.id);
        } else if (field.name == "name") {
            write_member(to, "name", page.name);
        } else if (field.name == "access_token") {
            write_member(to, "access_token",
                         page.account ? page_token(token, page.account->id) : "EAAsandboxnoinstagram" + page.id);
        } else if (field.name == "tasks") {
            write_name(to, "tasks");
            write_raw(to, R"(["ANALYZE","ADVERTISE","MESSAGING","MODERATE","CREATE_CONTENT","MANAGE"])");
        } else if (field.name == "category") {
            write_member(to, "category", "Product/service");
        } else if (field.name == "instagram_business_account") {
            if (!page.account) return true;
            write_name(to, "instagram_business_account");
            write_raw(to, user_json(world, *page.account, Flavour::facebook, field.nested));
        } else {
            return false;
        }
        return true;
    });
}

std::string cursor_of(std::size_t index) { return "QVFIsandbox" + std::to_string(index) + "ZD"; }

// The index inside a cursor of ours. Throws Refused for any other text.
std::size_t index_of(const std::string &cursor)
{
    constexpr std::string_view prefix = "QVFIsandbox";
    std::size_t index = 0;
    if (cursor.size() > prefix.size() + 2 && cursor.compare(0, prefix.size(), prefix) == 0) {
        const char *begin = cursor.data() + prefix.size();
        const char *end = cursor.data() + cursor.size() - 2;
        const auto [stop, error] = std::from_chars(begin, end, index);
        if (error == std::errc() && stop == end && cursor_of(index) == cursor) return index;
    }
    throw Refused{invalid_parameter("Invalid cursors values")};
}

// The token's pages: those of its accounts; after the first come the ones without Instagram.
std::vector<Page> pages_of(const World &world, const Token &token)
{
    std::vector<Page> pages;
    const auto add_plain = [&] {
        for (long long i = 0; i < world.settings.pages_without_instagram; ++i) {
            pages.push_back({"1999" + std::to_string(10'000'000'000LL + i), "Page without Instagram / Seite", nullptr});
        }
    };
    for (const std::string &id : token.accounts) {
        const Account *account = world.accounts.find(id);
        if (!account || (!token.login && account->login == Flavour::instagram && world.settings.flavour == "auto"))
            continue;
        pages.push_back({page_id(id), "Page of " + account->username, account});
        if (pages.size() == 1) add_plain();
    }
    if (pages.empty()) add_plain();
    return pages;
}

std::size_t limit_of(const World &world, const Call &call)
{
    std::size_t limit = 25;
    if (call.has("limit")) {
        const std::string text = call.parameter("limit");
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), limit);
        if (error != std::errc() || end != text.data() + text.size() || limit == 0) {
            throw Refused{invalid_parameter("limit param must be a positive integer")};
        }
    }
    limit = std::min<std::size_t>(limit, 100);
    const auto cap = static_cast<std::size_t>(world.settings.page_size);
    return cap > 0 ? std::min(limit, cap) : limit;
}

std::string page_url(const Call &call, const char *name, const std::string &cursor)
{
    std::string url = call.base + "/" + (call.version.empty() ? "v25.0" : call.version) +
                      "/me/accounts?access_token=" + percent_encode(call.token);
    for (const auto &[key, value] : call.query) {
        if (key == "access_token" || key == "after" || key == "before") continue;
        url += "&" + percent_encode(key) + "=" + percent_encode(value);
    }
    return url + "&" + name + "=" + cursor;
}

Answer as_answer(const rapidjson::StringBuffer &buffer)
{
    Answer answer;
    answer.body.assign(buffer.GetString(), buffer.GetSize());
    return answer;
}

}  // namespace

Answer answer_user(const World &world, const Call &call, const Account &account)
{
    Answer answer;
    answer.body = user_json(world, account, call.flavour, call.parameter("fields"));
    return answer;
}

Answer answer_me(const Call &call, const Token &token)
{
    const std::string fields = call.has("fields") ? call.parameter("fields") : "id,name";
    rapidjson::StringBuffer buffer;
    JsonWriter writer(buffer);
    write_node(writer, fields, "User", [&](JsonWriter &to, const Field &field) {
        if (field.name == "id" && !token.user_id.empty()) {
            write_member(to, "id", token.user_id);
        } else if (field.name == "id") {
            const std::uint64_t hash = Mixer(0).add(call.token).value() % 1'000'000'000'000ull;
            write_member(to, "id", std::to_string(10'220'000'000'000'000ull + hash));
        } else if (field.name == "name") {
            write_member(to, "name", token.user_name.empty() ? "Zoë Sandbox" : token.user_name);
        } else {
            return false;
        }
        return true;
    });
    return as_answer(buffer);
}

Answer answer_page(const World &world, const Call &call, const Account &account, const Token &token)
{
    rapidjson::StringBuffer buffer;
    JsonWriter writer(buffer);
    const std::string fields = call.has("fields") ? call.parameter("fields") : "id,name";
    write_page(writer, world, {page_id(account.id), "Page of " + account.username, &account}, token, fields);
    return as_answer(buffer);
}

Answer answer_me_accounts(const World &world, const Call &call, const Token &token)
{
    const bool listed = token.app_id.empty() || token.grants("pages_show_list");  // else the list is empty
    const std::vector<Page> pages = listed ? pages_of(world, token) : std::vector<Page>();
    const std::size_t limit = limit_of(world, call);
    std::size_t first = 0;
    if (call.has("after")) {
        first = std::min(index_of(call.parameter("after")) + 1, pages.size());
    } else if (call.has("before")) {
        const std::size_t end = std::min(index_of(call.parameter("before")), pages.size());
        first = end > limit ? end - limit : 0;
    }
    const std::size_t last = std::min(first + limit, pages.size());
    const std::string fields = call.has("fields") ? call.parameter("fields") : "access_token,category,name,id,tasks";
    rapidjson::StringBuffer buffer;
    JsonWriter writer(buffer);
    writer.StartObject();
    write_name(writer, "data");
    writer.StartArray();
    for (std::size_t i = first; i < last; ++i) write_page(writer, world, pages[i], token, fields);
    writer.EndArray();
    if (first < last) {
        write_name(writer, "paging");
        writer.StartObject();
        write_name(writer, "cursors");
        writer.StartObject();
        write_member(writer, "before", cursor_of(first));
        write_member(writer, "after", cursor_of(last - 1));
        writer.EndObject();
        if (first > 0) write_member(writer, "previous", page_url(call, "before", cursor_of(first)));
        if (last < pages.size()) write_member(writer, "next", page_url(call, "after", cursor_of(last - 1)));
        writer.EndObject();
    }
    writer.EndObject();
    return as_answer(buffer);
}

}  // namespace ig::sandbox
