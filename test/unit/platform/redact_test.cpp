// No secret gets through, whatever surrounds it; and what is no secret stays readable.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "platform/redact.hpp"

namespace ig::platform {

TEST(Redact, HidesValuesOfTellingNames)
{
    const std::pair<const char *, const char *> cases[] = {
        {"access_token=abc&x=1", "access_token=[redacted]&x=1"},
        {"a?fb_exchange_token=abc", "a?fb_exchange_token=[redacted]"},
        {"input_token=1|s&appsecret_proof=ff", "input_token=[redacted]&appsecret_proof=[redacted]"},
        {"client_secret = abc, code=AQBx", "client_secret = [redacted], code=[redacted]"},
        {R"({"access_token":"abc","expires_in":5})", R"({"access_token":"[redacted]","expires_in":5})"},
        {R"({\"access_token\":\"abc\",\"n\":1})", R"({\"access_token\":\"[redacted]\",\"n\":1})"},
        {"{'client_secret': 'a b,c'}", "{'client_secret': '[redacted]'}"},
        {"\"access_token\":\"cut off in the mid", "\"access_token\":\"[redacted]"},
        {"x%26access_token%3Dabc%26y", "x%26access_token%3D[redacted]%26y"},
        {"x\\u0026access_token=abc\\u0026y", "x\\u0026access_token=[redacted]\\u0026y"},
        {"ACCESS_TOKEN=abc", "ACCESS_TOKEN=[redacted]"},
        {"page_access_token: abc", "page_access_token: [redacted]"},
        {"\"code\":\"AQBxyz\"", "\"code\":\"[redacted]\""},
        {"Authorization: Bearer x", "Authorization: [redacted]"},
        {"authorization: OAuth abc def", "authorization: [redacted] def"},
        {"\"Authorization\": \"Bearer x\"", "\"Authorization\": \"[redacted]\""},
        {"sent Bearer abc, failed", "sent Bearer [redacted], failed"},
        {"token 123456789012|abcdefgh is", "token 123456789012|[redacted] is"},
    };
    for (const auto &[text, expected] : cases) EXPECT_EQ(redact(text), expected);
}

TEST(Redact, HidesBareTokens)
{
    EXPECT_EQ(redact("token EAAabcdefghijklmnopqrst is bad"), "token [redacted] is bad");
    EXPECT_EQ(redact("xIGAAabcdefghijklmnopqrs_-T."), "x[redacted]");
    EXPECT_EQ(redact("(IGQWRabcdefghijklmnopqrstu)"), "([redacted])");
    EXPECT_EQ(redact("proof 0123456789abcdef0123456789abcdef end"), "proof [redacted] end");
    EXPECT_EQ(redact("EAAshort IGAA IGQ"), "EAAshort IGAA IGQ");
}

TEST(Redact, HidesQueriesAndUsersOfUrls)
{
    EXPECT_EQ(redact("see https://graph.facebook.com/v25.0/1/insights?metric=reach&since=5 now"),
              "see https://graph.facebook.com/v25.0/1/insights?[redacted] now");
    EXPECT_EQ(redact(R"("next":"https:\/\/graph.facebook.com\/x?access_token=EAA&a=1","b")"),
              R"("next":"https:\/\/graph.facebook.com\/x?[redacted]","b")");
    EXPECT_EQ(redact("http://user:pass@host/path#code=x"), "http://[redacted]@host/path#[redacted]");
}

TEST(Redact, LeavesPlainTextAlone)
{
    for (const char *text :
         {"Error validating access token: Session has expired on Friday, 20-Nov-26 10:00:00 PST.",
          "(#100) metric[0] must be one of the following values: reach, follower_count, engaged_audience_demographics",
          "{\"error\":{\"code\":190,\"error_subcode\":463}}", "code=100 error_code=200", "code: not found",
          "Please refer to the documentation at https://developers.facebook.com/docs/instagram for a list.",
          "API calls from the server require an appsecret_proof argument", "17841400000000001/insights/reach/day",
          "Matching code was not found or was already used", "\"token_type\":\"bearer\",\"expires_in\":5"})
        EXPECT_EQ(redact(text), text);
}

TEST(Redact, MakesOneBoundedLineOfValidUtf8)
{
    EXPECT_EQ(redact("a\r\n\tb\x01\x1b[0m\xff"), "a b [0m\xEF\xBF\xBD");
    const std::string longest = redact(std::string(5000, 'x') + " y");
    EXPECT_LE(longest.size(), 502u);
    EXPECT_EQ(redact(""), "");
    std::string many;
    for (int i = 0; i < 2000; ++i) many += "\xC3\xA9";
    EXPECT_EQ(redact(many).size(), 499u * 2 + 3);
}

TEST(Redact, ASecretAcrossTheCutIsNotHalfShown)
{
    for (std::size_t before = 450; before < 505; ++before) {
        const std::string text = redact(std::string(before, '.') + " access_token=SECRETSECRETSECRET");
        EXPECT_EQ(text.find("SEC"), std::string::npos) << before;
    }
}

// Whatever stands around it, no eight characters of a token may come out.
TEST(Redact, RandomTokensNeverComeThrough)
{
    std::mt19937 random(20261122);
    const std::string letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    const std::vector<std::string> prefixes = {"EAA", "IGAA", "IGQ", ""};
    const std::vector<std::pair<std::string, std::string>> named = {
        {"access_token=", ""},
        {"\"access_token\":\"", "\"}"},
        {"Authorization: Bearer ", ""},
        {"Bearer ", "."},
        {"https://graph.facebook.com/x?a=", "&b=1"},
        {"client_secret=", "&"},
        {"appsecret_proof%3D", "%26"},
        {"\\\"fb_exchange_token\\\": \\\"", "\\\""},
        {"input_token=", " "},
        {"code=A", "#_"},
        {"{\"paging\":{\"next\":\"https:\\/\\/h\\/p?x=1&access_token=", "\"}}"},
        {"'refresh_token' => '", "'"}};
    const std::vector<std::pair<std::string, std::string>> bare = {{"", ""},      {"token ", " bad"}, {"(", ")"},
                                                                   {"\"", "\""},  {"a/", "/b"},       {"%3D", "%26"},
                                                                   {"key=", ","}, {"\xff", "\n"}};
    const auto noise = [&](std::size_t size) {
        std::string text;
        while (size-- > 0) text += static_cast<char>(random() % 256);
        return text;
    };
    for (int round = 0; round < 4000; ++round) {
        const std::string &prefix = prefixes[random() % prefixes.size()];
        std::string token = prefix;
        const std::size_t size = (prefix.empty() ? 12 : 20) + random() % 200;
        while (token.size() < size) token += letters[random() % letters.size()];
        const auto &contexts = prefix.empty() || random() % 2 ? named : bare;
        const auto &[before, after] = contexts[random() % contexts.size()];
        // The noise ends in a space: a letter before a name makes it another name.
        const std::string shown =
            redact(noise(random() % 40) + " " + before + token + after + " " + noise(random() % 300));
        for (std::size_t at = prefix.size(); at + 8 <= token.size(); ++at)
            ASSERT_EQ(shown.find(token.substr(at, 8)), std::string::npos)
                << before << token << after << " -> " << shown;
        ASSERT_EQ(redact(shown).substr(0, 400), shown.substr(0, 400));
    }
}

}  // namespace ig::platform
