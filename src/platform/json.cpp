// Builds the flat tree of json.hpp from RapidJSON's events and walks it.
#include "platform/json.hpp"

#include <algorithm>
#include <charconv>
#include <tuple>
#include <utility>

#include "platform/rapidjson.hpp"
#include "platform/text.hpp"
#include "vault/secret.hpp"

namespace ig::platform {

// Takes the events of the reader; refuses (returns false) what is beyond the limits.
class JsonBuilder {
public:
    // In place: every text handed in lies in the document's own memory and is fit to stay as it is.
    JsonBuilder(Json &json, const JsonLimits &limits, bool in_place) : json_(json), limits_(limits), in_place_(in_place)
    {
        open_.reserve(limits.depth < usual_depth ? limits.depth : usual_depth);
    }

    const char *refusal() const noexcept { return refusal_; }

    bool Null() { return scalar(JsonView::Kind::null); }
    bool Bool(bool truth) { return scalar(JsonView::Kind::boolean, {}, truth); }
    // Never called: numbers arrive as text.
    bool Int(int) { return false; }
    bool Uint(unsigned) { return false; }
    bool Int64(std::int64_t) { return false; }
    bool Uint64(std::uint64_t) { return false; }
    bool Double(double) { return false; }
    bool RawNumber(const char *text, rapidjson::SizeType size, bool)
    {
        return scalar(JsonView::Kind::number, {text, size});
    }
    bool String(const char *text, rapidjson::SizeType size, bool) { return scalar(JsonView::Kind::text, {text, size}); }
    bool Key(const char *text, rapidjson::SizeType size, bool)
    {
        std::tie(key_at_, key_size_) = keep({text, size});
        return true;
    }
    bool StartObject() { return open(JsonView::Kind::object); }
    bool EndObject(rapidjson::SizeType) { return close(); }
    bool StartArray() { return open(JsonView::Kind::array); }
    bool EndArray(rapidjson::SizeType) { return close(); }

private:
    std::pair<std::uint32_t, std::uint32_t> keep(std::string_view text)
    {
        if (text.empty()) return {0, 0};
        if (in_place_)
            return {static_cast<std::uint32_t>(text.data() - json_.texts_.data()),
                    static_cast<std::uint32_t>(text.size())};
        const auto at = static_cast<std::uint32_t>(json_.texts_.size());
        append_repaired_utf8(json_.texts_, text);
        return {at, static_cast<std::uint32_t>(json_.texts_.size() - at)};
    }

    bool add(JsonView::Kind kind, std::string_view text, bool truth)
    {
        if (json_.nodes_.size() >= limits_.values) {
            refusal_ = "it holds too many values";
            return false;
        }
        const auto [text_at, text_size] = keep(text);
        const auto at = static_cast<std::uint32_t>(json_.nodes_.size());
        json_.nodes_.push_back({kind, truth, at + 1, key_at_, key_size_, text_at, text_size});
        key_at_ = key_size_ = 0;
        return true;
    }

    bool scalar(JsonView::Kind kind, std::string_view text = {}, bool truth = false) { return add(kind, text, truth); }

    bool open(JsonView::Kind kind)
    {
        if (open_.size() >= limits_.depth) {
            refusal_ = "it is nested too deeply";
            return false;
        }
        open_.push_back(static_cast<std::uint32_t>(json_.nodes_.size()));
        return add(kind, {}, false);
    }

    bool close()
    {
        json_.nodes_[open_.back()].end = static_cast<std::uint32_t>(json_.nodes_.size());
        open_.pop_back();
        return true;
    }

    static constexpr std::size_t usual_depth = 16;

    Json &json_;
    const JsonLimits &limits_;
    const bool in_place_;
    std::vector<std::uint32_t> open_;
    std::uint32_t key_at_ = 0, key_size_ = 0;
    const char *refusal_ = nullptr;
};

namespace {

constexpr unsigned usual_flags = rapidjson::kParseIterativeFlag | rapidjson::kParseNumbersAsStringsFlag;

template <unsigned flags, class Stream> std::string read_into(JsonBuilder &builder, Stream stream)
{
    try {
        rapidjson::Reader reader;
        const rapidjson::ParseResult result = reader.Parse<flags>(stream, builder);
        if (!result.IsError()) return {};
        if (builder.refusal()) return builder.refusal();
        std::string problem = rapidjson::GetParseError_En(result.Code());
        if (!problem.empty() && problem.back() == '.') problem.pop_back();
        return problem + " at byte " + std::to_string(result.Offset());
    } catch (const JsonAssertion &) {
        return "the JSON reader gave up";
    }
}

// Whether an escape in it may stand for what no text of ours holds: U+0000, or half a surrogate pair (\uD800 to \uDFFF;
// whole pairs are taken along). What else comes out of valid UTF-8 is valid UTF-8.
bool has_doubtful_escape(std::string_view text) noexcept
{
    for (std::size_t at = text.find("\\u"); at != std::string_view::npos; at = text.find("\\u", at + 2)) {
        std::size_t before = at;
        while (before > 0 && text[before - 1] == '\\') --before;
        if ((at - before) % 2 == 1) continue;  // a backslash that is escaped itself: JSON within a text of JSON
        const std::string_view digits = text.substr(at + 2, 4);
        if (digits == "0000" || (!digits.empty() && (digits[0] == 'd' || digits[0] == 'D'))) return true;
    }
    return false;
}

}  // namespace

Json Json::parse(std::string_view text, const JsonLimits &limits)
{
    Json json;
    if (text.substr(0, 3) == "\xEF\xBB\xBF") text.remove_prefix(3);
    if (text.empty()) {
        json.problem_ = "it is empty";
    } else if (text.size() > limits.bytes) {
        json.problem_ = "it is too long";
    } else if (text.find('\0') != std::string_view::npos) {
        json.problem_ = "it holds a NUL byte";  // the reader would take it for the end of the text
    } else if (!is_utf8(text)) {
        json.problem_ = "it is not UTF-8";
    } else {
        json.read(text, limits);
    }
    if (!json.problem_.empty()) json.nodes_.clear();
    return json;
}

// The usual text is copied once and read where it stands. Texts that have to be repaired may grow, so they are put
// together anew.
void Json::read(std::string_view text, const JsonLimits &limits)
{
    constexpr std::size_t padding = 16;  // rapidjson.hpp
    constexpr std::size_t bytes_of_a_node = 16, most_foreseen = 4096;
    nodes_.reserve(std::min({text.size() / bytes_of_a_node + 4, limits.values, most_foreseen}));
    const bool in_place = !has_doubtful_escape(text);
    JsonBuilder builder(*this, limits, in_place);
    if (in_place) {
        texts_.reserve(text.size() + padding);
        texts_ = text;
        texts_.append(padding, '\0');
        problem_ =
            read_into<usual_flags | rapidjson::kParseInsituFlag>(builder, rapidjson::InsituStringStream(texts_.data()));
    } else {
        texts_.reserve(text.size());  // nearly always enough, so that wipe() reaches every copy
        problem_ = read_into<usual_flags>(builder, rapidjson::MemoryStream(text.data(), text.size()));
    }
}

JsonView Json::root() const noexcept { return valid() ? JsonView(this, 0) : JsonView(); }

void Json::wipe() noexcept { wipe_memory(texts_.data(), texts_.size()); }

std::string id_text(JsonView view)
{
    const std::string_view digits = view.text();
    const bool plain = !digits.empty() && digits.size() <= 40 &&
                       std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
    return plain ? std::string(digits) : std::string();
}

JsonView::Kind JsonView::kind() const noexcept { return json_ ? json_->nodes_[at_].kind : Kind::missing; }

std::string_view JsonView::text() const noexcept
{
    if (!json_) return {};
    return json_->slice(json_->nodes_[at_].text_at, json_->nodes_[at_].text_size);
}

std::optional<bool> JsonView::boolean() const noexcept
{
    if (kind() != Kind::boolean) return std::nullopt;
    return json_->nodes_[at_].truth;
}

std::optional<std::int64_t> JsonView::integer() const noexcept
{
    const std::string_view digits = text();
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    return value;
}

std::string_view JsonView::key() const noexcept
{
    if (!json_) return {};
    return json_->slice(json_->nodes_[at_].key_at, json_->nodes_[at_].key_size);
}

JsonView JsonView::member(std::string_view name) const noexcept
{
    JsonView found;
    if (!is_object()) return found;
    for (JsonView child : *this)
        if (child.key() == name) found = child;
    return found;
}

std::size_t JsonView::size() const noexcept
{
    std::size_t count = 0;
    for (auto at = begin(); at != end(); ++at) ++count;
    return count;
}

JsonView JsonView::first() const noexcept { return begin() != end() ? *begin() : JsonView(); }

JsonView::Iterator JsonView::begin() const noexcept { return {json_, json_ ? at_ + 1 : 0}; }

JsonView::Iterator JsonView::end() const noexcept { return {json_, json_ ? json_->nodes_[at_].end : 0}; }

JsonView JsonView::Iterator::operator*() const noexcept { return {json_, at_}; }

JsonView::Iterator &JsonView::Iterator::operator++() noexcept
{
    at_ = json_->nodes_[at_].end;
    return *this;
}

}  // namespace ig::platform
