// Implements reading the Date header.
#include "http/date.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <array>

namespace ig::http {

namespace {

constexpr std::string_view shape = "Aaa, 00 Aaa 0000 00:00:00 GMT";

// curl reads much more than HTTP allows, such as a lone number.
bool has_shape(std::string_view text) noexcept
{
    if (text.size() != shape.size()) return false;
    for (std::size_t i = 0; i < shape.size(); ++i) {
        const char c = text[i];
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        const bool good = shape[i] == '0'                      ? c >= '0' && c <= '9'
                          : shape[i] == 'A' || shape[i] == 'a' ? letter
                                                               : c == shape[i];
        if (!good) return false;
    }
    return true;
}

}  // namespace

std::optional<std::chrono::sys_seconds> date_of(const HttpResponse &response) noexcept
{
    const std::string_view text = response.header("Date");
    if (response.failure != TransportFailure::none || !has_shape(text)) return std::nullopt;
    std::array<char, shape.size() + 1> copy{};
    std::copy(text.begin(), text.end(), copy.begin());
    const time_t moment = curl_getdate(copy.data(), nullptr);
    if (moment < 0) return std::nullopt;
    return std::chrono::sys_seconds(std::chrono::seconds(moment));
}

}  // namespace ig::http
