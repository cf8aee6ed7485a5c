// Parses control requests, checks their members, and spells JSON the way Graph does.
#include "json.hpp"

#include <algorithm>
#include <charconv>

#include <rapidjson/error/en.h>

namespace ig::sandbox {

rapidjson::Document parse_json(const std::string &text)
{
    constexpr unsigned flags =
        rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag | rapidjson::kParseNumbersAsStringsFlag;
    rapidjson::Document document;
    document.Parse<flags>(text.data(), text.size());
    if (document.HasParseError()) {
        throw BadInput("not JSON at byte " + std::to_string(document.GetErrorOffset()) + ": " +
                       rapidjson::GetParseError_En(document.GetParseError()));
    }
    return document;
}

const Json *member(const Json &object, const char *name)
{
    if (!object.IsObject()) throw BadInput(std::string("an object was expected around \"") + name + "\"");
    const auto found = object.FindMember(name);
    if (found == object.MemberEnd() || found->value.IsNull()) return nullptr;
    return &found->value;
}

std::string text_of(const Json &object, const char *name, std::string_view fallback)
{
    const Json *value = member(object, name);
    if (!value) return std::string(fallback);
    if (!value->IsString()) throw BadInput(std::string("\"") + name + "\" must be a string");
    return {value->GetString(), value->GetStringLength()};
}

long long integer_of(const Json &object, const char *name, long long fallback, long long low, long long high)
{
    if (!member(object, name)) return fallback;
    const std::string text = text_of(object, name);
    long long number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size() || number < low || number > high) {
        throw BadInput(std::string("\"") + name + "\" must be an integer from " + std::to_string(low) + " to " +
                       std::to_string(high));
    }
    return number;
}

bool flag_of(const Json &object, const char *name, bool fallback)
{
    const Json *value = member(object, name);
    if (!value) return fallback;
    if (!value->IsBool()) throw BadInput(std::string("\"") + name + "\" must be true or false");
    return value->GetBool();
}

std::vector<std::string> texts_of(const Json &object, const char *name)
{
    std::vector<std::string> texts;
    const Json *value = member(object, name);
    if (!value) return texts;
    if (!value->IsArray()) throw BadInput(std::string("\"") + name + "\" must be an array of strings");
    for (const Json &element : value->GetArray()) {
        if (!element.IsString()) throw BadInput(std::string("\"") + name + "\" must be an array of strings");
        texts.emplace_back(element.GetString(), element.GetStringLength());
    }
    return texts;
}

void only_known_members(const Json &object, std::initializer_list<std::string_view> known)
{
    if (!object.IsObject()) throw BadInput("an object was expected");
    for (const auto &entry : object.GetObject()) {
        const std::string_view name(entry.name.GetString(), entry.name.GetStringLength());
        if (std::find(known.begin(), known.end(), name) == known.end())
            throw BadInput("\"" + std::string(name) + "\" is not known here");
    }
}

std::string counted(const char *name, long long number)
{
    return std::string("{\"") + name + "\":" + std::to_string(number) + "}\n";
}

std::string quoted_json(std::string_view text)
{
    rapidjson::StringBuffer buffer;
    JsonWriter writer(buffer);
    write_text(writer, text);
    return {buffer.GetString(), buffer.GetSize()};
}

namespace {

void append_unit(std::string &out, unsigned unit)
{
    constexpr char digits[] = "0123456789abcdef";
    out += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4) out += digits[(unit >> shift) & 15u];
}

// The code point that begins at `i`, which moves past it; the writer gave valid UTF-8.
unsigned decode_point(std::string_view text, std::size_t &i)
{
    const auto first = static_cast<unsigned char>(text[i]);
    const int more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : 1;
    unsigned point = first & (0x3Fu >> more);
    for (int k = 0; k < more && i + 1 < text.size(); ++k) {
        point = (point << 6) | (static_cast<unsigned char>(text[++i]) & 0x3Fu);
    }
    ++i;
    return point;
}

}  // namespace

std::string graph_spelling(std::string_view json, bool ascii)
{
    std::string out;
    out.reserve(json.size() + json.size() / 16);
    for (std::size_t i = 0; i < json.size();) {
        const char c = json[i];
        if (c == '/') {
            out += "\\/";
            ++i;
        } else if (!ascii || static_cast<unsigned char>(c) < 0x80) {
            out += c;
            ++i;
        } else if (const unsigned point = decode_point(json, i); point < 0x10000) {
            append_unit(out, point);
        } else {
            append_unit(out, 0xD800 + ((point - 0x10000) >> 10));
            append_unit(out, 0xDC00 + ((point - 0x10000) & 0x3FF));
        }
    }
    return out;
}

void write_text(JsonWriter &writer, std::string_view text)
{
    writer.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
}

void write_name(JsonWriter &writer, std::string_view name)
{
    writer.Key(name.data(), static_cast<rapidjson::SizeType>(name.size()));
}

void write_member(JsonWriter &writer, std::string_view name, std::string_view text)
{
    write_name(writer, name);
    write_text(writer, text);
}

void write_member(JsonWriter &writer, std::string_view name, long long number)
{
    write_name(writer, name);
    writer.Int64(number);
}

void write_raw(JsonWriter &writer, std::string_view json)
{
    writer.RawValue(json.data(), json.size(), rapidjson::kNullType);
}

}  // namespace ig::sandbox
