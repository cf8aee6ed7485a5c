// Finds out which route, account, host flavour and version a call means.
#include "graph.hpp"

#include <charconv>

#include "oauth.hpp"

namespace ig::sandbox {

namespace {

struct Version {
    int number;
    const char *dies;  // empty: open
};

constexpr Version versions[] = {
    {17, "2025-09-12"}, {18, "2026-01-26"}, {19, "2026-05-21"}, {20, "2026-09-24"}, {21, "2027-01-21"},
    {22, "2027-05-20"}, {23, "2027-10-08"}, {24, "2028-02-18"}, {25, "2028-07-29"}, {26, ""},
};

bool lives(const Version &version, Moment now)
{
    const auto end = parse_day(version.dies);
    return !end || now < Moment{*end};
}

std::string spell(int number) { return "v" + std::to_string(number) + ".0"; }

}  // namespace

std::string serving_version(const Call &call, Moment now)
{
    int asked = 25;  // the app's default version
    if (!call.version.empty()) {
        std::from_chars(call.version.data() + 1, call.version.data() + call.version.size(), asked);
    }
    if (asked > std::end(versions)[-1].number) {
        GraphError error;
        error.code = 2500;
        error.message = "Unknown path components: /" + call.version;
        throw Refused{error};
    }
    for (const Version &version : versions) {
        if (version.number >= asked && lives(version, now)) return spell(version.number);
    }
    return spell(std::end(versions)[-1].number);
}

namespace {

void locate_node(const World &world, Call &call)
{
    const Token *token = call.token.empty() ? nullptr : world.accounts.token(call.token);
    const Account *own = token && !token->accounts.empty() ? world.accounts.find(token->accounts.front()) : nullptr;
    if (world.settings.flavour == "facebook") {
        call.flavour = Flavour::facebook;
    } else if (world.settings.flavour == "instagram") {
        call.flavour = Flavour::instagram;
    } else if (token && token->login) {
        call.flavour = *token->login;
    } else if (own) {
        call.flavour = own->login;
    } else {
        // The prefix of an unknown token still tells which login made it.
        call.flavour = call.token.compare(0, 2, "IG") == 0 ? Flavour::instagram : Flavour::facebook;
    }
    if (call.path.empty() && call.method == "POST") call.route = "batch";
    if (call.path.empty() || call.path.size() > 2) return;
    const std::string &node = call.path[0];
    const std::string edge = call.path.size() == 2 ? call.path[1] : "";
    if (node == "me") {
        if (edge.empty()) call.route = "me";
        if (edge == "accounts") call.route = "me_accounts";
        if (edge == "permissions") call.route = "me_permissions";
        if (edge == "insights") call.route = "insights";
        if (call.flavour == Flavour::instagram && own) call.account_id = own->id;
        return;
    }
    if (edge == "insights") call.route = "insights";
    if (edge.empty()) call.route = "user";
    if (const Account *account = world.accounts.find(node)) {
        call.account_id = account->id;
    } else if (world.accounts.by_page(node) && edge.empty()) {
        call.route = "page";
    } else {
        call.account_id = node;  // as asked: so that a test finds it in the records
    }
}

}  // namespace

void locate(const World &world, Call &call)
{
    if (!locate_login(world, call)) locate_node(world, call);
    if (call.route == "fb_exchange_token") call.token = call.given("fb_exchange_token");  // for the records
    call.token_in_url = has_misplaced_secret(call);
}

}  // namespace ig::sandbox
