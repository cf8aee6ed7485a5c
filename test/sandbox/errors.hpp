// Graph's errors: their shape, and the texts of those the sandbox gives by itself (graph-api.md 4).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "answer.hpp"
#include "call.hpp"

namespace ig::sandbox {

struct GraphError {
    int status = 400;
    int code = 100;
    std::optional<int> subcode;
    std::string message;
    std::string type = "OAuthException";
    std::optional<bool> is_transient;
    std::string user_title;
    std::string user_message;
    std::string error_data;  // a JSON text, written as it is
};

// Thrown where a call is refused; the router answers it.
struct Refused {
    GraphError error;
};

Answer error_answer(const GraphError &error, std::uint64_t call_number);

GraphError invalid_parameter(std::string message);
GraphError no_such_object(const std::string &id, Flavour flavour, const std::string &method);
GraphError unknown_path(const Call &call);
GraphError nonexisting_field(const std::string &field, std::string_view node);
GraphError token_missing();
// What a token in this state gets; nothing for a valid one.
std::optional<GraphError> token_error(std::string_view state, std::string_view route, const std::string &now_text);
// A limit's refusal; minutes are told in error_data where the API does so.
GraphError throttled(int code, long long minutes);

}  // namespace ig::sandbox
