// Any bytes as the answer of a discovery: ids are digits, names one bounded line.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "platform/instagram/instagram.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    ig::HttpResponse response;
    response.status = 200;
    response.body.assign(reinterpret_cast<const char *>(data), size);
    const ig::platform::Instagram instagram{ig::platform::Endpoints()};
    for (const ig::platform::Login login : {ig::platform::Login::facebook, ig::platform::Login::instagram}) {
        const ig::platform::Discovery discovery = instagram.read_discovery(login, response);
        for (const ig::platform::DiscoveredAccount &account : discovery.accounts) {
            if (account.account_id.empty()) std::abort();
            if (account.account_id.find_first_not_of("0123456789") != std::string::npos) std::abort();
            if (account.name.size() > 800 || account.username.find('\n') != std::string::npos) std::abort();
        }
        if (discovery.next_cursor && discovery.next_cursor->empty()) std::abort();
    }
    return 0;
}
