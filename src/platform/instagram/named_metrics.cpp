// Reads texts such as "metric[0] must be one of", "(views,profile_views)", "the impressions metric".
#include "platform/instagram/named_metrics.hpp"

#include <algorithm>
#include <charconv>

#include "platform/text.hpp"

namespace ig::platform::instagram {

namespace {

bool in_a_name(std::string_view text, std::size_t at) noexcept
{
    if (at >= text.size()) return false;
    const char c = text[at];
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool holds_word(std::string_view text, std::string_view word) noexcept
{
    if (word.empty()) return false;
    for (std::size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1))
        if ((at == 0 || !in_a_name(text, at - 1)) && !in_a_name(text, at + word.size())) return true;
    return false;
}

std::vector<bool> indexed(std::string_view text, std::size_t count)
{
    constexpr std::string_view opening = "metric[";
    std::vector<bool> named(count, false);
    for (std::size_t at = text.find(opening); at != std::string_view::npos; at = text.find(opening, at + 1)) {
        std::size_t index = 0;
        const char *end = text.data() + text.size();
        const auto [rest, error] = std::from_chars(text.data() + at + opening.size(), end, index);
        if (error == std::errc() && rest != end && *rest == ']' && index < count) named[index] = true;
    }
    return named;
}

}  // namespace

std::vector<std::string> named_metrics(std::string_view text, const std::vector<std::string> &asked)
{
    text = text.substr(0, find_ignoring_case(text, "must be one of"));
    const std::vector<bool> by_index = indexed(text, asked.size());
    const bool any_index = std::find(by_index.begin(), by_index.end(), true) != by_index.end();
    std::vector<std::string> named;
    for (std::size_t i = 0; i < asked.size(); ++i) {
        const bool meant = any_index ? by_index[i] : holds_word(text, asked[i]);
        if (meant && std::find(named.begin(), named.end(), asked[i]) == named.end()) named.push_back(asked[i]);
    }
    return named;
}

}  // namespace ig::platform::instagram
