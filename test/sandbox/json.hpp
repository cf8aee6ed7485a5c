// RapidJSON as the sandbox uses it: assertions throw, numbers stay text, access is checked.
#pragma once

#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#ifndef RAPIDJSON_ASSERT
#define RAPIDJSON_ASSERT(x) ((x) ? static_cast<void>(0) : throw std::logic_error("RapidJSON: " #x))
#endif
#define RAPIDJSON_HAS_STDSTRING 1
#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

namespace ig::sandbox {

using Json = rapidjson::Value;
using JsonWriter = rapidjson::Writer<rapidjson::StringBuffer>;

// The sender of a control request made a mistake; the text says which.
struct BadInput : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// Numbers come out as strings of their digits, so that none goes through double.
rapidjson::Document parse_json(const std::string &text);

// Members of a control request; a wrong type is BadInput, an absent or null one is the fallback.
const Json *member(const Json &object, const char *name);
std::string text_of(const Json &object, const char *name, std::string_view fallback = {});
long long integer_of(const Json &object, const char *name, long long fallback, long long low = 0,
                     long long high = 1'000'000'000'000LL);
bool flag_of(const Json &object, const char *name, bool fallback);
std::vector<std::string> texts_of(const Json &object, const char *name);

// Refuses members that are not among these. Throws BadInput.
void only_known_members(const Json &object, std::initializer_list<std::string_view> known);

// One object or an array of them; how many. Throws BadInput.
template <class Each> long long for_each_object(const Json &json, Each each)
{
    if (json.IsObject()) {
        each(json);
        return 1;
    }
    if (!json.IsArray()) throw BadInput("an object or an array of objects was expected");
    for (const Json &element : json.GetArray()) each(element);
    return json.Size();
}

// The text of a control answer: {"name":number} on a line; a quoted string.
std::string counted(const char *name, long long number);
std::string quoted_json(std::string_view text);

// The text as Graph writes it: "/" as "\/", and with `ascii` everything else beyond ASCII as \uXXXX.
std::string graph_spelling(std::string_view json, bool ascii);

void write_text(JsonWriter &writer, std::string_view text);
void write_member(JsonWriter &writer, std::string_view name, std::string_view text);
void write_member(JsonWriter &writer, std::string_view name, long long number);
void write_name(JsonWriter &writer, std::string_view name);
// `json` is a finished JSON text.
void write_raw(JsonWriter &writer, std::string_view json);

}  // namespace ig::sandbox
