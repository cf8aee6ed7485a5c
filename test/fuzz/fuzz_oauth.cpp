// Any bytes as any answer of the logins: either a failure with a sound message or what was asked for.
#include <cstddef>
#include <cstdint>
#include <string>

#include "platform/oauth.hpp"
#include "platform/redact.hpp"
#include "require.hpp"

namespace {

using namespace ig::platform;

void check(const std::optional<Failure> &failure)
{
    if (!failure) return;
    require(!failure->message.empty() && failure->message.find('\n') == std::string::npos);
    require(failure->message.size() <= 4 * redacted_characters);
}

void check_id(const std::string &id)
{
    require(id.size() <= 40 && id.find_first_not_of("0123456789") == std::string::npos);
}

void read(Login login, const ig::HttpResponse &response)
{
    const TokenAnswer token = read_token_answer(login, response);
    check(token.failure);
    check_id(token.user_id);
    require(token.failure.has_value() == token.token.empty());
    require(!token.expires_in || token.expires_in->count() > 0);
    const IdentityAnswer identity = read_identity(login, response);
    check(identity.failure);
    check_id(identity.user_id);
    require(identity.failure.has_value() == identity.user_id.empty());
    const PermissionsAnswer permissions = read_permissions(response);
    check(permissions.failure);
    require(!permissions.failure || permissions.granted.empty());
    const TokenDebug debug = read_token_debug(response);
    check(debug.failure);
    require(debug.valid == !debug.failure);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    ig::HttpResponse response;
    response.body.assign(reinterpret_cast<const char *>(data), size);
    for (const int status : {200, 400}) {
        response.status = status;
        read(Login::facebook, response);
        read(Login::instagram, response);
    }
    return 0;
}
