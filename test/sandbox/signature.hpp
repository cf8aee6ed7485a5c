// HMAC-SHA256 in the two forms Meta uses: appsecret_proof and signed_request.
#pragma once

#include <string>
#include <string_view>

namespace ig::sandbox {

// Lower-case hex HMAC-SHA256 of the token under the app's secret.
std::string appsecret_proof(std::string_view secret, std::string_view token);

// base64url(HMAC-SHA256(payload part)) "." base64url(payload), without padding.
std::string signed_request(std::string_view secret, std::string_view payload);

}  // namespace ig::sandbox
