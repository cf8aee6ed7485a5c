// Implements hiding a known secret.
#include "postgres/known_secret.hpp"

namespace ig::pg {

namespace {

// Shorter ones keep nothing secret, and hiding them could spoil an answer that has such a word of its own.
constexpr std::size_t shortest_secret = 8;
constexpr std::string_view mark = "[redacted]";

void replace_all(std::string &body, std::string_view text)
{
    for (std::size_t at = body.find(text); at != std::string::npos; at = body.find(text, at + mark.size()))
        body.replace(at, text.size(), mark);
}

}  // namespace

void hide_known_secret(std::string &body, const Secret &secret)
{
    const std::string_view text = secret.expose();
    if (text.size() < shortest_secret) return;
    replace_all(body, text);
    if (text.find('/') == std::string_view::npos) return;
    // In JSON a slash may be escaped; in JSON within the JSON of a batch once more.
    std::string escaped;
    for (const std::string_view slash : {"\\/", "\\\\/", "\\\\\\/"}) {
        wipe_memory(escaped.data(), escaped.size());
        escaped.clear();
        escaped.reserve(text.size() * 4);
        for (const char c : text) {
            if (c == '/') escaped += slash;
            else escaped.push_back(c);
        }
        replace_all(body, escaped);
    }
    wipe_memory(escaped.data(), escaped.size());
}

platform::TokenAnswer take_token(platform::Login login, HttpResponse response,
                                 std::initializer_list<const Secret *> sent)
{
    platform::TokenAnswer answer = platform::read_token_answer(login, response);
    if (answer.failure) {
        for (const Secret *const secret : sent) hide_known_secret(response.body, *secret);
        answer = platform::read_token_answer(login, response);
    }
    wipe_memory(response.body.data(), response.body.size());
    return answer;
}

}  // namespace ig::pg
