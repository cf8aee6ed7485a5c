// The spelling of the failure kinds in the public contract.
#include "platform/failure.hpp"

namespace ig::platform {

std::string_view to_string(FailureKind kind) noexcept
{
    switch (kind) {
    case FailureKind::no_data: return "no_data";
    case FailureKind::not_supported: return "not_supported";
    case FailureKind::needs_login: return "needs_login";
    case FailureKind::permission: return "permission";
    case FailureKind::throttled: return "throttled";
    case FailureKind::transient: return "transient";
    case FailureKind::malformed: return "malformed";
    case FailureKind::timeout: return "timeout";
    case FailureKind::network: return "network";
    case FailureKind::invalid_request: return "invalid_request";
    case FailureKind::token_unreadable: return "token_unreadable";
    case FailureKind::cancelled: return "cancelled";
    }
    return "transient";  // a value outside the enumeration
}

}  // namespace ig::platform
