// The texts and codes of errors, and their JSON.
#include "errors.hpp"

#include "json.hpp"
#include "values.hpp"

namespace ig::sandbox {

namespace {

// Looks like the real ones: "A", then 22 letters and digits; other calls get other ids.
std::string trace_id(std::uint64_t call_number)
{
    constexpr char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    std::string id = "A";
    for (std::uint64_t part = 0; part < 22; ++part) id += letters[Mixer(call_number).add(part).value() % 64];
    return id;
}

bool tells_in_header(const GraphError &error)
{
    return error.code == 190 || error.code == 4 || error.code == 17 || error.code == 10 || error.code == 200;
}

GraphError bad_token(int subcode, std::string message)
{
    GraphError error;
    error.code = 190;
    if (subcode != 0) error.subcode = subcode;
    error.message = std::move(message);
    return error;
}

}  // namespace

Answer error_answer(const GraphError &error, std::uint64_t call_number)
{
    rapidjson::StringBuffer buffer;
    JsonWriter writer(buffer);
    writer.StartObject();
    write_name(writer, "error");
    writer.StartObject();
    write_member(writer, "message", error.message);
    write_member(writer, "type", error.type);
    write_member(writer, "code", error.code);
    if (!error.error_data.empty()) {
        write_name(writer, "error_data");
        write_raw(writer, error.error_data);
    }
    if (error.subcode) write_member(writer, "error_subcode", *error.subcode);
    if (error.is_transient) {
        write_name(writer, "is_transient");
        writer.Bool(*error.is_transient);
    }
    if (!error.user_title.empty()) write_member(writer, "error_user_title", error.user_title);
    if (!error.user_message.empty()) write_member(writer, "error_user_msg", error.user_message);
    write_member(writer, "fbtrace_id", trace_id(call_number));
    writer.EndObject();
    writer.EndObject();
    Answer answer;
    answer.status = error.status;
    answer.body = graph_spelling({buffer.GetString(), buffer.GetSize()}, true);
    if (tells_in_header(error) && error.message.find_first_of("\"\r\n") == std::string::npos) {
        answer.headers.emplace_back("WWW-Authenticate",
                                    "OAuth \"Facebook Platform\" \"invalid_request\" \"" + error.message + "\"");
    }
    return answer;
}

GraphError invalid_parameter(std::string message)
{
    GraphError error;
    error.message = "(#100) " + std::move(message);
    return error;
}

GraphError no_such_object(const std::string &id, Flavour flavour, const std::string &method)
{
    // Three causes share this text: no such object, no permission for it, an operation it does not support.
    GraphError error;
    error.subcode = 33;
    error.type = flavour == Flavour::facebook ? "GraphMethodException" : "IGApiException";
    error.message = "Unsupported " +
                    std::string(method == "POST"     ? "post"
                                : method == "DELETE" ? "delete"
                                                     : "get") +
                    " request. Object with ID '" + id +
                    "' does not exist, cannot be loaded due to missing permissions, or does not support this "
                    "operation. Please read the Graph API documentation at "
                    "https://developers.facebook.com/docs/graph-api";
    return error;
}

GraphError unknown_path(const Call &call)
{
    std::string path;
    for (std::size_t i = call.path.size() > 1 ? 1 : 0; i < call.path.size(); ++i) path += "/" + call.path[i];
    GraphError error;
    error.code = 2500;
    error.type = call.flavour == Flavour::facebook ? "OAuthException" : "IGApiException";
    error.message = "Unknown path components: " + (path.empty() ? "/" : path);
    return error;
}

GraphError nonexisting_field(const std::string &field, std::string_view node)
{
    return invalid_parameter("Tried accessing nonexisting field (" + field + ") on node type (" + std::string(node) +
                             ")");
}

GraphError token_missing()
{
    GraphError error;
    error.code = 2500;
    error.message = "An active access token must be used to query information about the current user.";
    return error;
}

std::optional<GraphError> token_error(std::string_view state, std::string_view route, const std::string &now_text)
{
    const std::string invalid = "Error validating access token: ";
    if (state == "unknown") return bad_token(0, "Invalid OAuth access token - Cannot parse access token");
    if (state == "expired") {
        return bad_token(463, invalid + "Session has expired. The current time is " + now_text + ".");
    }
    if (state == "app_removed") {
        return bad_token(458, invalid + "The user has not authorized application 1234567890.");
    }
    if (state == "checkpointed") {
        return bad_token(459, invalid + "You cannot access the app till you log in to www.facebook.com and follow "
                                        "the instructions given.");
    }
    if (state == "password_changed") {
        return bad_token(460, invalid + "The session has been invalidated because the user changed their password or "
                                        "Facebook has changed the session for security reasons.");
    }
    if (state == "unconfirmed") return bad_token(464, invalid + "Sessions for the user are not allowed.");
    if (state == "revoked") {
        return bad_token(467, invalid + "The session is invalid because the user logged out.");
    }
    if (state == "no_role") {
        return bad_token(492, invalid + "The user must be an administrator, editor, or moderator of the page.");
    }
    GraphError error;
    if (state == "no_scope" && route == "insights") {
        error.code = 10;
        error.message = "(#10) Application does not have permission for this action";
        return error;
    }
    if (state == "no_permission") {
        error.status = 403;
        error.code = 200;
        error.message = "(#200) Permissions error";
        return error;
    }
    return std::nullopt;
}

GraphError throttled(int code, long long minutes)
{
    GraphError error;
    error.code = code;
    switch (code) {
    case 4: error.message = "(#4) Application request limit reached"; break;
    case 17: error.message = "(#17) User request limit reached"; break;
    case 32: error.message = "(#32) Page request limit reached"; break;
    case 341: error.message = "(#341) Application limit reached"; break;
    case 613: error.message = "(#613) Calls to this api have exceeded the rate limit."; break;
    default:
        error.message = "(#" + std::to_string(code) +
                        ") There have been too many calls to this Instagram account. Wait a bit and try again. For "
                        "more info, please refer to "
                        "https://developers.facebook.com/docs/graph-api/overview/rate-limiting.";
        error.error_data = "{\"estimated_time_to_regain_access\":" + std::to_string(minutes) + "}";
    }
    return error;
}

}  // namespace ig::sandbox
