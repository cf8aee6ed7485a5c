// Text, numbers, moments and URLs at their edges.
#include <gtest/gtest.h>

#include <string>

#include "platform/text.hpp"
#include "platform/timestamp.hpp"
#include "platform/url.hpp"
#include "support.hpp"

namespace ig::platform {

TEST(Text, RepairsEveryKindOfBadUtf8)
{
    const std::string mark = "\xEF\xBF\xBD";
    const std::pair<std::string, std::string> cases[] = {
        {"plain", "plain"},
        {"\xC3\xA9", "\xC3\xA9"},
        {"\xF0\x9F\x98\x80", "\xF0\x9F\x98\x80"},
        {"a\xFF"
         "b",
         "a" + mark + "b"},
        {"\xC0\xAF", mark + mark},                        // overlong
        {"\xED\xA0\x80", mark + mark + mark},             // surrogate
        {"\xF4\x90\x80\x80", mark + mark + mark + mark},  // above U+10FFFF
        {"\xE2\x82", mark + mark},                        // cut
        {std::string("a\0b", 3), "ab"},
    };
    for (const auto &[bad, good] : cases) {
        std::string repaired;
        append_repaired_utf8(repaired, bad);
        EXPECT_EQ(repaired, good);
    }
}

TEST(Text, KnowsUtf8AtEveryPlaceOfALongText)
{
    for (std::size_t at = 0; at < 20; ++at) {
        std::string text(20, 'a');
        EXPECT_TRUE(is_utf8(text));
        EXPECT_TRUE(is_utf8(text.substr(at) + "\xC3\xA9\xF0\x9F\x98\x80" + text));
        for (const char *bad : {"\xFF", "\x80", "\xC3", "\xED\xA0\x80", "\xC0\x80", "\xF4\x90\x80\x80"}) {
            EXPECT_FALSE(is_utf8(text.substr(at) + bad + text)) << at;
            EXPECT_FALSE(is_utf8(text.substr(at) + bad)) << at;
        }
        text[at] = '\0';
        std::string repaired;
        append_repaired_utf8(repaired, text + "\xC3");
        EXPECT_EQ(repaired, std::string(19, 'a') + "\xEF\xBF\xBD");
    }
}

TEST(Text, OneLineIsOneLine)
{
    EXPECT_EQ(one_line("  a\r\n\tb \x1b[31m c\xC2\x85"
                       "d\xE2\x80\xA8"
                       "e\xE2\x80\xAE"
                       "f ",
                       100),
              "a b [31m c d e f");
    EXPECT_EQ(one_line("\n\n", 100), "");
}

TEST(Text, ShortensByCharactersNotBytes)
{
    EXPECT_EQ(shortened("\xC3\xA9\xC3\xA9\xC3\xA9", 3), "\xC3\xA9\xC3\xA9\xC3\xA9");
    EXPECT_EQ(shortened("\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9", 3), "\xC3\xA9\xC3\xA9\xE2\x80\xA6");
}

TEST(Text, DecimalIsWhatNumericTakes)
{
    for (const char *good : {"0", "-0", "007", "12.50", "-1.5e-7", "1E+100", "99999999999999999999999999999999999999"})
        EXPECT_TRUE(is_decimal(good)) << good;
    for (const char *bad : {"", "-", "+1", ".5", "1.", "1e", "1e+", "1e101", "1e-101", "NaN", "Infinity", "0x10", "1 ",
                            " 1", "1,5", "1e99999999999999999999", "1_000"})
        EXPECT_FALSE(is_decimal(bad)) << bad;
    EXPECT_TRUE(is_decimal(std::string(80, '9')));
    EXPECT_FALSE(is_decimal(std::string(81, '9')));
}

TEST(Text, JsonNumbersAreDecimalsWithoutZerosInFront)
{
    for (const char *good : {"0", "-0", "0.5", "-0.5", "12.50", "1E+100", "0e1"})
        EXPECT_TRUE(is_json_number(good)) << good;
    for (const char *bad : {"", "-", "007", "-00", "00.5", "+1", "1.", "NaN"}) EXPECT_FALSE(is_json_number(bad)) << bad;
}

TEST(Timestamp, ReadsEveryFormOfTheOffset)
{
    const Instant expected = moment(2025, 12, 10, 8);
    for (const char *text : {"2025-12-10T08:00:00+0000", "2025-12-10T08:00:00+00:00", "2025-12-10T08:00:00+00",
                             "2025-12-10T08:00:00Z", "2025-12-10 08:00:00z", "2025-12-10T00:00:00-0800",
                             "2025-12-10T13:30:00+05:30", "2025-12-10T08:00:00.000Z", "1765353600"}) {
        ASSERT_TRUE(parse_timestamp(text)) << text;
        EXPECT_EQ(*parse_timestamp(text), expected) << text;
    }
    EXPECT_EQ(*parse_timestamp("2025-12-10T08:00:00.2509+0000"), expected + std::chrono::milliseconds(250));
}

TEST(Timestamp, RefusesWhatIsNoMoment)
{
    for (const char *text : {"", "yesterday", "2025-12-10", "2025-12-10T08:00:00", "2025-13-10T08:00:00Z",
                             "2025-02-30T08:00:00Z", "2025-12-10T25:00:00Z", "2025-12-10T08:60:00Z",
                             "2025-12-10T08:00:00Zx", "2025-12-10T08:00:00+00:", "2025-12-10T08:00:00+1",
                             "2025-12-10T08:00:00+9900", "2025-12-10T08:00:00.Z", "0001-01-01T00:00:00Z",
                             "9999-12-31T00:00:00Z", "1", "99999999999999999999999", "-1765353600", "1765353600.5"})
        EXPECT_FALSE(parse_timestamp(text)) << text;
}

TEST(Url, EncodesWhatCameFromData)
{
    EXPECT_EQ(percent_encoded("a-b.c_d~e/f?g=h&i j\xC3\xA9#"), "a-b.c_d~e%2Ff%3Fg%3Dh%26i%20j%C3%A9%23");
    EXPECT_EQ(joined_path("https://host//", {"v25.0", "", "..", "a/b"}), "https://host/v25.0/%2E%2E/a%2Fb");
    EXPECT_EQ(encoded_list({"reach", "a,b"}), "reach,a%2Cb");
}

}  // namespace ig::platform
