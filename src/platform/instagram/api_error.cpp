// Finds the error of an answer: object, debug style, flat, legacy, plain text, or in a header (graph-api.md 4.1).
#include "platform/instagram/api_error.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

#include "platform/text.hpp"

namespace ig::platform::instagram {

namespace {

// Longer blocks are not known; a worker that believed in months would look dead.
constexpr std::chrono::seconds longest_wait = std::chrono::hours(24);

int as_int(JsonView view)
{
    const std::optional<std::int64_t> value = view.integer();
    if (!value || *value < std::numeric_limits<int>::min() || *value > std::numeric_limits<int>::max()) return 0;
    return static_cast<int>(*value);
}

std::string as_text(JsonView view) { return view.is_text() ? std::string(view.text()) : std::string(); }

std::optional<std::chrono::seconds> bounded_wait(std::int64_t count, std::chrono::seconds unit)
{
    if (count <= 0) return std::nullopt;
    return std::min<std::int64_t>(count, longest_wait / unit) * unit;
}

std::optional<std::chrono::seconds> wait_in_error_data(JsonView data)
{
    constexpr std::string_view member = "estimated_time_to_regain_access";
    if (!data.is_text()) return regain_time(data.member(member));
    const Json inner = Json::parse(data.text());  // an object written as a string
    return regain_time(inner.root().member(member));
}

// "(#4) Application request limit reached" says its code itself.
int code_in_text(std::string_view text)
{
    const std::size_t begin = text.find("(#");
    if (begin == std::string_view::npos) return 0;
    int code = 0;
    const char *end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data() + begin + 2, end, code);
    return error == std::errc() && rest != end && *rest == ')' ? code : 0;
}

void add_text(ApiError &error, JsonView view)
{
    const std::string text = as_text(view);
    if (text.empty() || error.text.find(text) != std::string::npos) return;
    if (!error.text.empty()) error.text += error.text.back() == '.' ? " " : ": ";
    error.text += text;
}

ApiError from_object(JsonView object)
{
    ApiError error;
    error.code = as_int(object.member("code"));
    error.subcode = as_int(object.member("error_subcode"));
    if (error.subcode == 0) error.subcode = as_int(object.member("subcode"));
    for (const char *name : {"message", "error_user_title", "error_user_msg"}) add_text(error, object.member(name));
    error.is_transient = object.member("is_transient").boolean();
    error.wait = wait_in_error_data(object.member("error_data"));
    return error;
}

// {"error_type","code","error_message"}; {"error_code","error_msg"|"error_description"}; {"message","type","code"};
// {"error":"invalid_grant","error_description"}.
ApiError from_flat(JsonView body)
{
    ApiError error;
    error.code = as_int(body.member("error_code"));
    if (error.code == 0) error.code = as_int(body.member("code"));
    error.subcode = as_int(body.member("error_subcode"));
    for (const char *name : {"error", "error_message", "error_msg", "error_description", "message"})
        add_text(error, body.member(name));
    error.is_transient = body.member("is_transient").boolean();
    error.wait = wait_in_error_data(body.member("error_data"));
    return error;
}

bool is_flat_error(JsonView body)
{
    if (body.member("error").is_text() && !body.member("error").text().empty()) return true;
    for (const char *name : {"error_code", "error_type", "error_message", "error_msg"}) {
        const JsonView member = body.member(name);
        if (member.exists() && !member.is_null() && member.text() != "0") return true;
    }
    return body.member("message").is_text() && body.member("code").exists() && !body.member("data").exists();
}

std::optional<ApiError> from_challenge(const Received &received)
{
    const std::string_view header = received.headers.first(ToldHeaders::Name::challenge);
    const std::size_t close = header.rfind('"');
    if (received.status < 400 || close == std::string_view::npos || close == 0) return std::nullopt;
    const std::size_t open = header.rfind('"', close - 1);
    if (open == std::string_view::npos) return std::nullopt;
    ApiError error;
    append_repaired_utf8(error.text, header.substr(open + 1, close - open - 1));
    error.code = code_in_text(error.text);
    if (error.code == 0) return std::nullopt;  // a plain challenge: the status says as much
    return error;
}

}  // namespace

std::optional<std::chrono::seconds> regain_time(JsonView view)
{
    if (!is_decimal(view.text())) return std::nullopt;
    std::int64_t minutes = 0;
    const char *end = view.text().data() + view.text().size();
    const auto [rest, error] = std::from_chars(view.text().data(), end, minutes);
    if (error != std::errc()) return minutes >= 0 ? std::optional(longest_wait) : std::nullopt;
    return bounded_wait(minutes + (rest != end && minutes >= 0 ? 1 : 0), std::chrono::minutes(1));
}

std::optional<ApiError> find_api_error(const Received &received, JsonView body)
{
    std::optional<ApiError> found;
    if (body.member("error").is_object()) {
        found = from_object(body.member("error"));
    } else if (body.member("data").member("error").is_object()) {
        found = from_object(body.member("data").member("error"));
    } else if (is_flat_error(body)) {
        found = from_flat(body);
    } else {
        found = from_challenge(received);
    }
    if (found && found->code == 0) found->code = code_in_text(found->text);
    return found;
}

std::optional<std::chrono::seconds> wait_in_headers(const Received &received)
{
    std::optional<std::chrono::seconds> longest;
    const Json usage = Json::parse(received.headers.first(ToldHeaders::Name::business_usage));
    for (const JsonView account : usage.root())
        for (const JsonView use : account)
            longest = std::max(longest, regain_time(use.member("estimated_time_to_regain_access")));
    if (longest) return longest;

    // The other form of Retry-After is a date, which cannot be told from here: there is no clock.
    const std::string_view after = received.headers.first(ToldHeaders::Name::retry_after);
    std::int64_t seconds = 0;
    const auto [rest, error] = std::from_chars(after.data(), after.data() + after.size(), seconds);
    if (error != std::errc() || rest != after.data() + after.size()) return std::nullopt;
    return bounded_wait(seconds, std::chrono::seconds(1));
}

}  // namespace ig::platform::instagram
