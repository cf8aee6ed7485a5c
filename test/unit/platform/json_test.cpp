// What the JSON reader promises about odd, hostile and exact input.
#include <gtest/gtest.h>

#include <string>

#include "platform/json.hpp"

namespace ig::platform {

TEST(Json, KeepsNumbersAsTheyWereWritten)
{
    for (const char *number : {"0", "-0", "12", "-7", "9007199254740993", "123456789012345678901234567890", "0.10",
                               "1.50e3", "-2E-2", "18446744073709551616.000000000000000000001"}) {
        const Json json = Json::parse(std::string("[") + number + "]");
        ASSERT_TRUE(json.valid()) << number << ": " << json.problem();
        EXPECT_TRUE(json.root().first().is_number());
        EXPECT_EQ(json.root().first().text(), number);
    }
}

TEST(Json, IntegersAreExactOrNothing)
{
    const Json json =
        Json::parse(R"([9223372036854775807, "17841400000000001", 9223372036854775808, 1.0, 1e2, "", "5x", true])");
    std::vector<std::optional<std::int64_t>> integers;
    for (const JsonView item : json.root()) integers.push_back(item.integer());
    const std::vector<std::optional<std::int64_t>> expected = {9223372036854775807, 17841400000000001, std::nullopt,
                                                               std::nullopt,        std::nullopt,      std::nullopt,
                                                               std::nullopt,        std::nullopt};
    EXPECT_EQ(integers, expected);
}

TEST(Json, ChainsThroughAnythingAreSafe)
{
    for (const char *text : {"null", "1", "[]", "{}", "\"x\"", "{\"a\":[1,{\"b\":2}]}", "nonsense"}) {
        const Json json = Json::parse(text);
        const JsonView lost = json.root().member("a").member("b").first().member("c");
        EXPECT_FALSE(lost.exists());
        EXPECT_EQ(lost.text(), "");
        EXPECT_EQ(lost.key(), "");
        EXPECT_EQ(lost.size(), 0u);
        EXPECT_FALSE(lost.integer());
        EXPECT_FALSE(lost.boolean());
    }
}

TEST(Json, WalksNestedContainersInOrder)
{
    const Json json = Json::parse(R"({"a":[1,[2,3],{"x":4}],"b":{},"c":"end"})");
    ASSERT_TRUE(json.valid());
    EXPECT_EQ(json.root().size(), 3u);
    EXPECT_EQ(json.root().member("a").size(), 3u);
    EXPECT_EQ(json.root().member("b").size(), 0u);
    EXPECT_EQ(json.root().member("c").text(), "end");
    std::string keys;
    for (const JsonView member : json.root()) keys += member.key();
    EXPECT_EQ(keys, "abc");
}

TEST(Json, OfDuplicateMembersTheLastCounts)
{
    EXPECT_EQ(Json::parse(R"({"a":1,"b":2,"a":3})").root().member("a").text(), "3");
}

TEST(Json, DropsNulFromTextsAndNames)
{
    const Json json = Json::parse(R"({"a\u0000b":"x\u0000y"})");
    ASSERT_TRUE(json.valid());
    EXPECT_EQ(json.root().member("ab").text(), "xy");
}

TEST(Json, HalfASurrogatePairIsNeverBadUtf8)
{
    const Json low = Json::parse(R"(["a\udc00b"])");
    ASSERT_TRUE(low.valid());
    EXPECT_EQ(low.root().first().text().find('\xED'), std::string_view::npos);
    EXPECT_FALSE(Json::parse(R"(["\ud800"])").valid());
    EXPECT_EQ(Json::parse(R"(["\ud83d\ude00"])").root().first().text(), "\xF0\x9F\x98\x80");
}

TEST(Json, EscapesAreUndoneWhereverTheTextsAreKept)
{
    // With a surrogate pair or a NUL in the document, its texts are put together anew instead of in place.
    for (const char *beside : {"1", R"("\ud83d\ude00")", R"("\u0000")", R"("\\ud83d")"}) {
        const std::string text =
            R"({"k\u0065y\n":"\"\\\/\b\f\n\r\t\u00e9\u20AC \\u0000","":"","beside":)" + std::string(beside) + "}";
        const Json json = Json::parse(text);
        ASSERT_TRUE(json.valid()) << json.problem();
        EXPECT_EQ(json.root().member("key\n").text(), "\"\\/\b\f\n\r\t\xC3\xA9\xE2\x82\xAC \\u0000");
        EXPECT_EQ(json.root().member("").kind(), JsonView::Kind::text);
        EXPECT_TRUE(json.root().member("beside").exists());
    }
    const std::string long_text(1000, 'x');
    EXPECT_EQ(Json::parse("[\"" + long_text + "\\n" + long_text + "\"]").root().first().text(),
              long_text + "\n" + long_text);
    EXPECT_TRUE(Json::parse(R"(["\\ud800"])").valid()) << "an escaped backslash begins no surrogate";
}

TEST(Json, RefusesWhatIsNoJson)
{
    for (const std::string &text :
         {std::string(), std::string("<html>"), std::string("{\"a\":"), std::string("{} {}"), std::string("[1,]"),
          std::string("{\"a\":1\0}", 8), std::string("{}\0", 3), std::string("[\"\xff\"]"), std::string("[NaN]"),
          std::string("[01]"), std::string("[\"a\nb\"]"), std::string("\xEF\xBB\xBF")}) {
        const Json json = Json::parse(text);
        EXPECT_FALSE(json.valid()) << text;
        EXPECT_FALSE(json.problem().empty());
        EXPECT_FALSE(json.root().exists());
    }
}

TEST(Json, SkipsAByteOrderMark) { EXPECT_EQ(Json::parse("\xEF\xBB\xBF{\"a\":1}").root().member("a").text(), "1"); }

TEST(Json, DeepNestingIsRefusedAndNeverRecursesOn)
{
    EXPECT_TRUE(Json::parse(std::string(64, '[') + std::string(64, ']')).valid());
    EXPECT_FALSE(Json::parse(std::string(65, '[') + std::string(65, ']')).valid());
    std::string endless;
    for (int i = 0; i < 1000000; ++i) endless += "{\"a\":[";
    EXPECT_EQ(Json::parse(endless).problem(), "it is nested too deeply");
}

TEST(Json, LimitsBytesAndValues)
{
    JsonLimits limits;
    limits.values = 4;
    EXPECT_TRUE(Json::parse("[1,2,3]", limits).valid());
    EXPECT_EQ(Json::parse("[1,2,3,4]", limits).problem(), "it holds too many values");
    limits.bytes = 6;
    EXPECT_EQ(Json::parse("[1,2,3]", limits).problem(), "it is too long");
}

TEST(Json, TheProblemHoldsNothingOfTheText)
{
    EXPECT_EQ(Json::parse("{\"access_token\":\"EAAsecret").problem().find("EAA"), std::string::npos);
}

}  // namespace ig::platform
