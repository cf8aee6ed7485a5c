// Reads tokens, permissions and identities in the shapes of both logins; a token leaves here only as a Secret.
#include "platform/oauth.hpp"

#include <algorithm>
#include <utility>

#include "platform/instagram/code_table.hpp"
#include "platform/instagram/snapshot_reader.hpp"
#include "platform/json.hpp"
#include "platform/oauth_failure.hpp"
#include "platform/timestamp.hpp"

namespace ig::platform {

namespace {

constexpr std::size_t longest_token = 8192;
constexpr std::size_t most_names = 200;
constexpr std::size_t longest_name = 100;
constexpr std::chrono::seconds longest_life = std::chrono::hours(24 * 365 * 10);

// Wipes a document that holds a token, whichever way the reader is left.
class WipedAtEnd {
public:
    explicit WipedAtEnd(Json &json) noexcept : json_(json) {}
    ~WipedAtEnd() { json_.wipe(); }
    WipedAtEnd(const WipedAtEnd &) = delete;
    WipedAtEnd &operator=(const WipedAtEnd &) = delete;

private:
    Json &json_;
};

// What can travel in a header; nothing for all else.
std::string_view token_of(JsonView view) noexcept
{
    if (!view.is_text() || view.text().size() > longest_token) return {};
    const bool sound = std::all_of(view.text().begin(), view.text().end(), [](char c) { return c > 0x20 && c < 0x7f; });
    return sound ? view.text() : std::string_view();
}

// Zero and less mean "not said", as does what is no whole number.
std::optional<std::chrono::seconds> life_of(JsonView view) noexcept
{
    const std::optional<std::int64_t> seconds = view.integer();
    if (!seconds || *seconds <= 0) return std::nullopt;
    return std::chrono::seconds(std::min<std::int64_t>(*seconds, longest_life.count()));
}

bool is_name(std::string_view name) noexcept
{
    return !name.empty() && name.size() <= longest_name && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
    });
}

void add_name(std::vector<std::string> &names, std::string_view name)
{
    if (!is_name(name) || names.size() >= most_names) return;
    if (std::find(names.begin(), names.end(), name) == names.end()) names.emplace_back(name);
}

// A list, or one string with commas or spaces between the names.
std::vector<std::string> names_of(JsonView view)
{
    std::vector<std::string> names;
    if (view.is_array())
        for (const JsonView name : view)
            if (name.is_text()) add_name(names, name.text());
    std::string_view rest = view.is_text() ? view.text() : std::string_view();
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find_first_of(", "), rest.size());
        add_name(names, rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return names;
}

Failure invalid_token(const HttpResponse &response)
{
    Failure failure;
    failure.kind = FailureKind::needs_login;
    failure.reach = FailureReach::account;
    failure.http_status = response.status;
    failure.message = "Meta says that the token is not valid";
    failure.hint = instagram::hints::connect_again;
    return failure;
}

}  // namespace

TokenAnswer read_token_answer(Login login, const HttpResponse &response)
{
    instagram::Answer opened = open_login_answer(login, response);
    const WipedAtEnd wiped(opened.body);
    TokenAnswer answer;
    if (opened.failure) {
        answer.failure = std::move(opened.failure);
        return answer;
    }
    const JsonView node = instagram::user_node(opened.body.root());
    const std::string_view token = token_of(node.member("access_token"));
    if (token.empty()) {
        answer.failure = unreadable_login_answer(response, "there is no token in it");
        return answer;
    }
    answer.token = Secret(token);
    answer.expires_in = life_of(node.member("expires_in"));
    answer.user_id = id_text(node.member("user_id"));
    answer.permissions = names_of(node.member("permissions"));
    return answer;
}

PermissionsAnswer read_permissions(const HttpResponse &response)
{
    instagram::Answer opened = open_login_answer(Login::facebook, response);
    PermissionsAnswer answer;
    if (opened.failure) {
        answer.failure = std::move(opened.failure);
        return answer;
    }
    const JsonView data = opened.body.root().member("data");
    if (!data.is_array()) {
        answer.failure = unreadable_login_answer(response, "it has no list named data");
        return answer;
    }
    for (const JsonView item : data) {
        if (!item.member("permission").is_text()) continue;
        const bool granted = item.member("status").text() == "granted";
        add_name(granted ? answer.granted : answer.declined, item.member("permission").text());
    }
    return answer;
}

// Instagram's `user_id` is the account's own id; the app-scoped one of the callbacks is `id` (graph-api.md 3.2).
IdentityAnswer read_identity(Login login, const HttpResponse &response)
{
    instagram::Answer opened = open_login_answer(login, response);
    IdentityAnswer answer;
    if (opened.failure) {
        answer.failure = std::move(opened.failure);
        return answer;
    }
    const JsonView node = instagram::user_node(opened.body.root());
    answer.user_id = id_text(node.member("id"));
    if (answer.user_id.empty() && login == Login::instagram) answer.user_id = id_text(node.member("user_id"));
    if (answer.user_id.empty()) answer.failure = unreadable_login_answer(response, "it names no user");
    return answer;
}

TokenDebug read_token_debug(const HttpResponse &response)
{
    instagram::Answer opened = open_login_answer(Login::facebook, response);
    TokenDebug debug;
    debug.failure = std::move(opened.failure);
    const JsonView data = opened.body.root().member("data");
    if (!data.is_object()) {
        // Refused as a whole: what was refused is the app's own token, which is made of its id and secret.
        if (!debug.failure) debug.failure = unreadable_login_answer(response, "it has no object named data");
        else if (debug.failure->kind == FailureKind::needs_login) blame_app(*debug.failure);
        return debug;
    }
    debug.type = instagram::display_text(data.member("type"));
    debug.expires_at = parse_timestamp(data.member("expires_at").text());
    debug.issued_at = parse_timestamp(data.member("issued_at").text());
    debug.data_access_expires_at = parse_timestamp(data.member("data_access_expires_at").text());
    debug.scopes = names_of(data.member("scopes"));
    debug.user_id = id_text(data.member("user_id"));
    const std::optional<bool> is_valid = data.member("is_valid").boolean();
    if (!debug.failure && !is_valid)
        debug.failure = unreadable_login_answer(response, "it does not say whether the token is valid");
    else if (!debug.failure && !*is_valid) debug.failure = invalid_token(response);
    debug.valid = !debug.failure;
    return debug;
}

}  // namespace ig::platform
