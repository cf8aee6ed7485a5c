// Ids stay text whatever they came as; Pages without an Instagram account are normal and skipped.
#include "platform/instagram/discovery_reader.hpp"

#include <utility>

#include "platform/instagram/snapshot_reader.hpp"
#include "platform/text.hpp"

namespace ig::platform::instagram {

namespace {

constexpr std::size_t page_size = 100;  // the limit of discovery_url
constexpr std::size_t max_cursor_size = 2048;

Failure malformed(std::string message)
{
    Failure failure;
    failure.kind = FailureKind::malformed;
    failure.retry = true;
    failure.http_status = 200;
    failure.message = "Instagram's answer cannot be read: " + std::move(message);
    failure.hint = "Try again. If it lasts, check the host settings and instagram_insights.api_version.";
    return failure;
}

void add(Discovery &discovery, JsonView node, std::string id, std::string page_id)
{
    // One account may be linked to several of the user's Pages in a row of results; the first one is kept.
    for (const DiscoveredAccount &known : discovery.accounts)
        if (known.account_id == id) return;
    discovery.accounts.push_back(
        {std::move(id), display_text(node.member("username")), display_text(node.member("name")), std::move(page_id)});
}

// By Meta's paging rules the last page has no `next`, while its cursors may still be there; after a full page without
// `next` we ask on for safety. `next` itself holds the token and is only looked at for being there.
std::optional<std::string> next_cursor(JsonView root, std::size_t entries)
{
    const JsonView paging = root.member("paging");
    const JsonView after = paging.member("cursors").member("after");
    const bool more = paging.member("next").is_text() || entries >= page_size;
    if (entries == 0 || !more || !after.is_text()) return std::nullopt;
    if (after.text().empty() || after.text().size() > max_cursor_size) return std::nullopt;
    return std::string(after.text());
}

Discovery read_pages(JsonView root)
{
    Discovery discovery;
    const JsonView data = root.member("data");
    if (!data.is_array()) {
        discovery.failure = malformed("it has no list named data");
        return discovery;
    }
    bool unreadable = false;
    std::size_t entries = 0;
    for (const JsonView page : data) {
        ++entries;
        const JsonView account = page.member("instagram_business_account");
        if (!account.exists() || account.is_null()) continue;
        std::string id = id_text(account.member("id"));
        if (id.empty()) unreadable = true;
        else add(discovery, account, std::move(id), id_text(page.member("id")));
    }
    discovery.next_cursor = next_cursor(root, entries);
    if (unreadable && discovery.accounts.empty() && !discovery.next_cursor)
        discovery.failure = malformed("an account in it has no id");
    return discovery;
}

Discovery read_user(JsonView root)
{
    Discovery discovery;
    const JsonView node = user_node(root);
    // `id` is scoped to the app, but the API takes it in the same places.
    std::string id = id_text(node.member("user_id"));
    if (id.empty()) id = id_text(node.member("id"));
    if (id.empty()) {
        discovery.failure = malformed("the account in it has no id");
    } else if (equals_ignoring_case(node.member("account_type").text(), "PERSONAL")) {
        Failure failure;
        failure.kind = FailureKind::not_supported;
        failure.reach = FailureReach::account;
        failure.http_status = 200;
        failure.message = "the account is a personal one, which has no insights";
        failure.hint = "Switch it to a professional account in the Instagram app's settings, then connect it again.";
        discovery.failure = std::move(failure);
    } else {
        add(discovery, node, std::move(id), {});
    }
    return discovery;
}

}  // namespace

Discovery read_discovery(Login login, JsonView root)
{
    return login == Login::facebook ? read_pages(root) : read_user(root);
}

}  // namespace ig::platform::instagram
