// Keeps apps, persons and codes, and makes texts that are unique.
#include "logins.hpp"

#include <algorithm>

#include "values.hpp"

namespace ig::sandbox {

namespace {

constexpr std::string_view facebook_permissions[] = {"public_profile",
                                                     "email",
                                                     "instagram_basic",
                                                     "instagram_manage_insights",
                                                     "instagram_manage_comments",
                                                     "pages_show_list",
                                                     "pages_read_engagement",
                                                     "business_management",
                                                     "ads_management",
                                                     "ads_read",
                                                     "read_insights"};
constexpr std::string_view instagram_permissions[] = {
    "instagram_business_basic", "instagram_business_manage_insights", "instagram_business_manage_comments",
    "instagram_business_manage_messages", "instagram_business_content_publish"};

}  // namespace

bool is_permission(Flavour login, const std::string &name)
{
    if (login == Flavour::facebook)
        return std::find(std::begin(facebook_permissions), std::end(facebook_permissions), name) !=
               std::end(facebook_permissions);
    return std::find(std::begin(instagram_permissions), std::end(instagram_permissions), name) !=
           std::end(instagram_permissions);
}

const char *insights_permission(Flavour login)
{
    return login == Flavour::facebook ? "instagram_manage_insights" : "instagram_business_manage_insights";
}

const char *basic_permission(Flavour login)
{
    return login == Flavour::facebook ? "instagram_basic" : "instagram_business_basic";
}

std::vector<std::string> usual_permissions(Flavour login)
{
    if (login == Flavour::instagram) return {"instagram_business_basic", "instagram_business_manage_insights"};
    return {"instagram_basic", "instagram_manage_insights", "pages_show_list", "pages_read_engagement",
            "business_management"};
}

void Logins::add(App app)
{
    newest_app_[app.login] = app.id;
    apps_[app.id] = std::move(app);
}

void Logins::add(Person person)
{
    current_[person.login] = person.user_id;
    persons_[person.user_id] = std::move(person);
}

const App *Logins::app(const std::string &id) const
{
    const auto found = apps_.find(id);
    return found == apps_.end() ? nullptr : &found->second;
}

const App *Logins::app_of(const Token &token, Flavour flavour) const
{
    if (!token.app_id.empty()) return app(token.app_id);
    const auto newest = newest_app_.find(flavour);
    return newest == newest_app_.end() ? nullptr : app(newest->second);
}

const Person *Logins::person(const std::string &user_id) const
{
    const auto found = persons_.find(user_id);
    return found == persons_.end() ? nullptr : &found->second;
}

const Person *Logins::current(Flavour login) const
{
    const auto found = current_.find(login);
    return found == current_.end() ? nullptr : person(found->second);
}

Code &Logins::issue(Code code)
{
    code.text = unique_text("AQB", 90);
    codes_.push_back(std::move(code));
    return codes_.back();
}

Code *Logins::code(const std::string &text)
{
    for (Code &code : codes_) {
        if (code.text == text) return &code;
    }
    return nullptr;
}

std::string Logins::unique_text(const std::string &prefix, std::size_t letters)
{
    constexpr char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    const std::uint64_t serial = ++serial_;
    std::string text = prefix + "n" + std::to_string(serial) + "x";
    for (std::uint64_t part = 0; part < letters; ++part)
        text += alphabet[Mixer(0x10617).add(serial).add(part).value() % 62];
    return text;
}

}  // namespace ig::sandbox
