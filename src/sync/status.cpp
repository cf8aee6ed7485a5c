// The spelling of a sync's status in the public contract.
#include "sync/engine.hpp"

namespace ig::sync {

std::string_view to_string(Status status) noexcept
{
    switch (status) {
    case Status::succeeded: return "succeeded";
    case Status::partial: return "partial";
    case Status::failed: return "failed";
    case Status::throttled: return "throttled";
    case Status::needs_login: return "needs_login";
    case Status::token_unreadable: return "token_unreadable";
    case Status::cancelled: return "cancelled";
    }
    return "failed";
}

}  // namespace ig::sync
