// One pass over the cleaned text, word by word: a word is a name of a secret, a secret itself, or harmless.
#include "platform/redact.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "platform/text.hpp"

namespace ig::platform {

namespace {

constexpr std::string_view mark = "[redacted]";
// Longer texts are cut before they are searched; far more than what may remain of them.
constexpr std::size_t searched_characters = 16384;

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

bool is_letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool is_hex(char c) noexcept { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

bool is_word(char c) noexcept { return is_digit(c) || is_letter(c) || c == '_' || c == '-'; }

bool is_quote(char c) noexcept { return c == '"' || c == '\'' || c == '`'; }

bool ends_with(std::string_view name, std::string_view end) noexcept
{
    return name.size() >= end.size() && equals_ignoring_case(name.substr(name.size() - end.size()), end);
}

// Names are compared by their end, because an encoded character before them looks like a part of them
// (%26access_token, \u0026access_token) and because of names such as page_access_token.
bool names_a_secret(std::string_view word) noexcept
{
    constexpr std::array<std::string_view, 8> ends = {"token",          "secret", "appsecret_proof", "password",
                                                      "signed_request", "_proof", "code_verifier",   "api_key"};
    return std::any_of(ends.begin(), ends.end(), [&](std::string_view end) { return ends_with(word, end); });
}

bool names_a_code(std::string_view word) noexcept
{
    return equals_ignoring_case(word, "code") || ends_with(word, "auth_code") ||
           ends_with(word, "authorization_code") || equals_ignoring_case(word, "26code") ||
           equals_ignoring_case(word, "3fcode") || equals_ignoring_case(word, "u0026code");
}

// Codes of errors are short numbers, codes of logins are neither.
bool is_error_code(std::string_view value) noexcept
{
    if (!value.empty() && value[0] == '-') value.remove_prefix(1);
    return !value.empty() && value.size() <= 8 && std::all_of(value.begin(), value.end(), is_digit);
}

// Where in a word a secret begins that needs no name; npos if it holds none.
std::size_t secret_begin(std::string_view word) noexcept
{
    constexpr std::array<std::string_view, 4> prefixes = {"EAA", "IGAA", "IGQ", "THQ"};
    constexpr std::size_t token_size = 20, hash_size = 32, random_size = 48;
    std::size_t begin = std::string_view::npos;
    for (const std::string_view prefix : prefixes) begin = std::min(begin, word.find(prefix));
    if (begin != std::string_view::npos && word.size() - begin >= token_size) return begin;
    if (word.size() >= hash_size && std::all_of(word.begin(), word.end(), is_hex)) return 0;
    if (word.size() >= random_size && std::any_of(word.begin(), word.end(), is_digit) &&
        std::any_of(word.begin(), word.end(), is_letter))
        return 0;
    return std::string_view::npos;
}

class Redactor {
public:
    explicit Redactor(std::string_view text) noexcept : in_(text) {}

    std::string run()
    {
        while (at_ < in_.size()) {
            if (take_url() || take_word()) continue;
            out_ += in_[at_++];
        }
        return std::move(out_);
    }

private:
    // What stands between a name and its value.
    struct Separator {
        std::size_t end;  // where the value begins
        bool quoted_name;
        char sign;  // '=' or ':', NUL if there is none
    };

    bool starts(std::size_t at, std::string_view text) const noexcept
    {
        return at <= in_.size() && equals_ignoring_case(in_.substr(at, text.size()), text);
    }

    char peek(std::size_t at) const noexcept { return at < in_.size() ? in_[at] : '\0'; }

    std::size_t skip(std::size_t at, std::string_view characters) const noexcept
    {
        return std::min(in_.find_first_not_of(characters, at), in_.size());
    }

    // A URL keeps scheme, host and path; its query and fragment may hold anything, so none of them stays.
    bool take_url()
    {
        for (const std::string_view scheme : {"https://", "http://", "https:\\/\\/", "http:\\/\\/"}) {
            if (!starts(at_, scheme)) continue;
            std::size_t end = at_ + scheme.size();
            while (end < in_.size() && !url_ends(end)) ++end;
            std::string_view rest = in_.substr(at_ + scheme.size(), end - at_ - scheme.size());
            const std::size_t query = rest.find_first_of("?#");
            const bool cut = query != std::string_view::npos;
            const char sign = cut ? rest[query] : '\0';
            rest = rest.substr(0, query);
            out_ += scheme;
            const std::size_t user = rest.substr(0, rest.find('/')).rfind('@');
            if (user != std::string_view::npos) {
                out_ += mark;
                rest.remove_prefix(user);
            }
            out_ += Redactor(rest).run();
            if (cut) (out_ += sign) += mark;
            at_ = end;
            return true;
        }
        return false;
    }

    bool url_ends(std::size_t at) const noexcept
    {
        const char c = in_[at];
        return c == ' ' || is_quote(c) || c == '<' || c == '>' ||
               (c == '\\' && peek(at + 1) != '/' && peek(at + 1) != 'u');
    }

    bool take_word()
    {
        std::size_t end = at_;
        while (end < in_.size() && is_word(in_[end])) ++end;
        if (end == at_) return false;
        const std::string_view word = in_.substr(at_, end - at_);
        if (take_bearer(word) || take_named(word) || take_app_token(word)) return true;
        const std::size_t secret = secret_begin(word);
        out_ += word.substr(0, secret);
        at_ = end;
        if (secret != std::string_view::npos) {
            out_ += mark;
            // What else a token may consist of; a full stop that ends the sentence goes with it.
            while (is_word(peek(at_)) ||
                   (peek(at_) && std::string_view(".|~%+/=").find(peek(at_)) != std::string_view::npos))
                ++at_;
        }
        return true;
    }

    bool take_bearer(std::string_view word)
    {
        if (!ends_with(word, "bearer")) return false;
        std::size_t value = skip(at_ + word.size(), " ");
        if (starts(value, "%20")) value += 3;
        if (value == at_ + word.size() || value == in_.size() || starts(value, mark)) return false;
        out_ += in_.substr(at_, value - at_);
        hide(value, unquoted_end(value));
        return true;
    }

    bool take_app_token(std::string_view word)
    {
        std::size_t end = at_ + word.size();
        if (word.size() < 8 || !std::all_of(word.begin(), word.end(), is_digit)) return false;
        if (peek(end) != '|' && !starts(end, "%7C")) return false;
        const std::size_t value = end + (peek(end) == '|' ? 1 : 3);
        out_ += in_.substr(at_, value - at_);
        hide(value, unquoted_end(value));
        return true;
    }

    bool take_named(std::string_view word)
    {
        const bool header = ends_with(word, "authorization");
        const bool code = names_a_code(word);
        if (!header && !code && !names_a_secret(word)) return false;
        const Separator separator = separator_after(at_ + word.size());
        if (!separator.sign) return false;
        // In prose a colon also follows the plain word: "Error validating access token: Session has expired".
        const bool joined = word.find('_') != std::string_view::npos || word.find('-') != std::string_view::npos;
        if (separator.sign == ':' && !header && !separator.quoted_name && !joined) return false;

        const std::size_t opening = skip(separator.end, "\\");
        const bool quoted = is_quote(peek(opening));
        const std::size_t value = quoted ? opening + 1 : separator.end;
        std::size_t end = quoted ? quoted_end(value, in_[opening]) : unquoted_end(value);
        if (header && !quoted && peek(end) == ' ') end = unquoted_end(end + 1);  // the scheme, then the credentials
        if (code && is_error_code(in_.substr(value, end - value))) return false;
        out_ += in_.substr(at_, value - at_);
        hide(value, end);
        return true;
    }

    Separator separator_after(std::size_t at) const noexcept
    {
        at = skip(at, "\\");
        const bool quoted = is_quote(peek(at));
        if (quoted) ++at;
        at = skip(at, " ");
        char sign = '\0';
        if (starts(at, "%3D") || starts(at, "%3A")) {
            sign = '=';
            at += 3;
        } else if (starts(at, "\\u003d")) {
            sign = '=';
            at += 6;
        } else if (peek(at) == '=' || peek(at) == ':') {
            sign = peek(at);
            at += peek(at + 1) == '>' ? 2 : 1;
        }
        return {skip(at, " "), quoted, sign};
    }

    // A value that is never closed reaches to the end: it may have been cut.
    std::size_t quoted_end(std::size_t value, char quote) const noexcept
    {
        std::size_t end = std::min(in_.find(quote, value), in_.size());
        while (end > value && end < in_.size() && in_[end - 1] == '\\') --end;
        return end;
    }

    std::size_t unquoted_end(std::size_t value) const noexcept
    {
        std::size_t end = value;
        while (end < in_.size() && std::string_view(" \"'`&,;<>{}[]()\\").find(in_[end]) == std::string_view::npos &&
               !starts(end, "%26"))
            ++end;
        return end;
    }

    void hide(std::size_t value, std::size_t end)
    {
        at_ = end;
        if (end > value) out_ += mark;
    }

    std::string_view in_;
    std::size_t at_ = 0;
    std::string out_;
};

}  // namespace

std::string redact(std::string_view text)
{
    return shortened(Redactor(one_line(text, searched_characters)).run(), redacted_characters);
}

}  // namespace ig::platform
