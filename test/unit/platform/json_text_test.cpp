// JSON texts of our own: exactly what was put in comes out of a reader.
#include <gtest/gtest.h>

#include <string>

#include "platform/json.hpp"
#include "platform/json_text.hpp"

namespace ig::platform {

namespace {

std::string as_json(std::string_view text)
{
    std::string json;
    append_json_string(json, text);
    return json;
}

}  // namespace

TEST(JsonText, EscapesWhatJsonDemandsAndNothingMore)
{
    EXPECT_EQ(as_json(""), R"("")");
    EXPECT_EQ(as_json("plain /text/ \x7f"), "\"plain /text/ \x7f\"");
    EXPECT_EQ(as_json("\"\\"), R"("\"\\")");
    EXPECT_EQ(as_json("\n\t\x01\x1f"), "\"\\u000a\\u0009\\u0001\\u001f\"");
    EXPECT_EQ(as_json(std::string_view("a\0b", 3)), "\"a\\u0000b\"");
    EXPECT_EQ(as_json("\xC3\xA9\xF0\x9F\x98\x80"), "\"\xC3\xA9\xF0\x9F\x98\x80\"");
}

TEST(JsonText, AddsToWhatIsThere)
{
    std::string json = "{";
    append_json_string(json, "a");
    json += ":";
    append_json_string(json, "b");
    json += "}";
    EXPECT_EQ(json, R"({"a":"b"})");
}

TEST(JsonText, EveryByteComesBack)
{
    for (int byte = 1; byte < 0x80; ++byte) {
        const std::string text = "x" + std::string(1, static_cast<char>(byte)) + "y";
        const Json document = Json::parse(as_json(text));
        ASSERT_TRUE(document.valid()) << byte << ' ' << document.problem();
        EXPECT_EQ(document.root().text(), text) << byte;
    }
}

}  // namespace ig::platform
