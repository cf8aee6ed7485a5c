// The one place where JSON from outside is read: bounded, parsed without recursion, numbers kept as their text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ig::platform {

struct JsonLimits {
    std::size_t bytes = 16u << 20;
    std::size_t depth = 64;
    std::size_t values = 200000;  // nodes of the tree, containers included
};

class Json;
class JsonView;

// An id of the API, which comes as a string or as a number: digits of at most 40 characters; empty for all else.
std::string id_text(JsonView view);

// A value in a document, or "missing". Every accessor answers for every kind of value, so a chain such as
// root.member("error").member("code").integer() is safe whatever came; the document must outlive its views.
class JsonView {
public:
    enum class Kind : std::uint8_t { missing, null, boolean, number, text, array, object };

    JsonView() noexcept = default;

    Kind kind() const noexcept;
    bool exists() const noexcept { return kind() != Kind::missing; }
    bool is_null() const noexcept { return kind() == Kind::null; }
    bool is_number() const noexcept { return kind() == Kind::number; }
    bool is_text() const noexcept { return kind() == Kind::text; }
    bool is_array() const noexcept { return kind() == Kind::array; }
    bool is_object() const noexcept { return kind() == Kind::object; }

    // The text of a string, or the digits of a number exactly as they came; empty for all else.
    std::string_view text() const noexcept;
    std::optional<bool> boolean() const noexcept;
    // A number or a string of digits as integer; nothing when it has a fraction or exponent or does not fit.
    std::optional<std::int64_t> integer() const noexcept;
    // The name of this member of an object; empty for all else.
    std::string_view key() const noexcept;
    // A member of an object. A name that came twice: the last one counts, as in jsonb.
    JsonView member(std::string_view name) const noexcept;
    // Elements of an array, members of an object; nothing for all else.
    std::size_t size() const noexcept;
    JsonView first() const noexcept;

    class Iterator {
    public:
        Iterator(const Json *json, std::uint32_t at) noexcept : json_(json), at_(at) {}
        JsonView operator*() const noexcept;
        Iterator &operator++() noexcept;
        bool operator!=(const Iterator &other) const noexcept { return at_ != other.at_; }

    private:
        const Json *json_;
        std::uint32_t at_;
    };
    Iterator begin() const noexcept;
    Iterator end() const noexcept;

private:
    friend class Json;
    friend class Iterator;
    JsonView(const Json *json, std::uint32_t at) noexcept : json_(json), at_(at) {}

    const Json *json_ = nullptr;
    std::uint32_t at_ = 0;
};

// A parsed document. Written rules for odd input:
// - a byte order mark is skipped; a NUL byte, bad UTF-8 or anything after the value makes the whole text invalid;
// - U+0000 (written \u0000) is dropped from texts and names, since PostgreSQL's text cannot hold it;
// - half a surrogate pair becomes U+FFFD or makes the text invalid;
// - a number beyond 1e308 makes the text invalid (RapidJSON checks the range even where it keeps the digits).
class Json {
public:
    Json() = default;
    static Json parse(std::string_view text, const JsonLimits &limits = {});

    bool valid() const noexcept { return problem_.empty() && !nodes_.empty(); }
    // Why it is not valid, for people; holds nothing of the text. Empty when valid.
    const std::string &problem() const noexcept { return problem_; }
    // The outermost value; missing when not valid.
    JsonView root() const noexcept;
    // Overwrites the texts, for documents that hold a secret. Views are useless afterwards.
    void wipe() noexcept;

private:
    friend class JsonView;
    friend class JsonView::Iterator;
    friend class JsonBuilder;

    // The tree in the order of the text: children follow their container, `end` is one past its last descendant.
    // Flat, so that nothing recurses, not even the destructor.
    struct Node {
        JsonView::Kind kind;
        bool truth;
        std::uint32_t end;
        std::uint32_t key_at, key_size;
        std::uint32_t text_at, text_size;
    };

    void read(std::string_view text, const JsonLimits &limits);

    std::string_view slice(std::uint32_t at, std::uint32_t size) const noexcept { return {texts_.data() + at, size}; }

    std::vector<Node> nodes_;
    std::string texts_;
    std::string problem_ = "there is no text";
};

}  // namespace ig::platform
