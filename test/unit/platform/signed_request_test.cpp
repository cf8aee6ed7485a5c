// Meta's callbacks: only what carries the right signature of this app is read.
#include <gtest/gtest.h>

#include <string>

#include "platform/oauth.hpp"
#include "vault/hmac.hpp"

namespace ig::platform {

namespace {

constexpr std::string_view secret = "5ecret";
constexpr std::string_view payload =
    R"({"user_id":"10220000000000001","algorithm":"HMAC-SHA256","issued_at":1795305600})";
// Made with OpenSSL, not with the code under test.
constexpr std::string_view signed_by_openssl =
    "DnJFpQWs0GYCa0ntJlh-6IvNWwaZsaahC8kPY6CFtcc."
    "eyJ1c2VyX2lkIjoiMTAyMjAwMDAwMDAwMDAwMDEiLCJhbGdvcml0aG0iOiJITUFDLVNIQTI1NiIsImlzc3VlZF9hdCI6MTc5NTMwNTYwMH0";

std::string base64url(std::string_view bytes)
{
    constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::string text;
    unsigned bits = 0;
    int count = 0;
    for (const char c : bytes) {
        bits = bits << 8 | static_cast<unsigned char>(c);
        for (count += 8; count >= 6; count -= 6) text += alphabet[bits >> (count - 6) & 63];
    }
    if (count > 0) text += alphabet[bits << (6 - count) & 63];
    return text;
}

std::string signature_of(std::string_view encoded)
{
    const vault::Digest digest = vault::hmac_sha256(secret, encoded);
    return base64url({reinterpret_cast<const char *>(digest.data()), digest.size()});
}

std::string signed_text(std::string_view json)
{
    const std::string encoded = base64url(json);
    return signature_of(encoded) + "." + encoded;
}

}  // namespace

TEST(SignedRequest, RightlySignedNamesTheUser)
{
    for (const std::string &text : {std::string(signed_by_openssl), signed_text(payload)}) {
        const auto request = read_signed_request(text, secret);
        ASSERT_TRUE(request);
        EXPECT_EQ(request->user_id, "10220000000000001");
        EXPECT_EQ(request->issued_at, Instant(std::chrono::seconds(1795305600)));
    }
}

TEST(SignedRequest, UserIdMayBeANumberAndTheTimeMayBeMissing)
{
    const auto request =
        read_signed_request(signed_text(R"({"user_id":17841400000000009007,"algorithm":"hmac-sha256"})"), secret);
    ASSERT_TRUE(request);
    EXPECT_EQ(request->user_id, "17841400000000009007");
    EXPECT_FALSE(request->issued_at);
}

TEST(SignedRequest, AnotherSecretDoesNotOpenIt)
{
    EXPECT_FALSE(read_signed_request(signed_text(payload), "5ecreT"));
    EXPECT_FALSE(read_signed_request(signed_text(payload), "5ecret "));
}

// Anybody can compute a signature under the empty key.
TEST(SignedRequest, AnAppWithoutASecretBelievesNobody)
{
    const std::string encoded = base64url(payload);
    const vault::Digest digest = vault::hmac_sha256("", encoded);
    EXPECT_FALSE(read_signed_request(
        base64url({reinterpret_cast<const char *>(digest.data()), digest.size()}) + "." + encoded, ""));
}

TEST(SignedRequest, EveryChangedCharacterBreaksIt)
{
    const std::string good = signed_text(payload);
    for (std::size_t i = 0; i < good.size(); ++i) {
        std::string bad = good;
        bad[i] = bad[i] == 'A' ? 'B' : 'A';
        EXPECT_FALSE(read_signed_request(bad, secret)) << i;
    }
}

TEST(SignedRequest, CutOrLengthenedIsRefused)
{
    const std::string good = signed_text(payload);
    const std::size_t dot = good.find('.');
    for (const std::string &bad :
         {std::string(), std::string("."), good.substr(0, dot), good.substr(0, dot + 1), good.substr(dot),
          good.substr(1), good.substr(0, good.size() - 1), good + "A", good + "=", good + ".", good + "." + good,
          " " + good, good + "\n", good.substr(0, 10) + good.substr(dot), good.substr(0, dot) + "=" + good.substr(dot)})
        EXPECT_FALSE(read_signed_request(bad, secret)) << bad;
}

// The last character of a signature carries two bits that mean nothing; only one spelling of them is taken.
TEST(SignedRequest, ASignatureHasOneSpelling)
{
    const std::string good = signed_text(payload);
    const std::size_t last = good.find('.') - 1;
    int accepted = 0;
    for (const char c : std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=")) {
        std::string spelled = good;
        spelled[last] = c;
        accepted += read_signed_request(spelled, secret).has_value();
    }
    EXPECT_EQ(accepted, 1);
}

TEST(SignedRequest, OtherAlgorithmsAreRefused)
{
    for (const char *json : {R"({"user_id":"1","algorithm":"none"})", R"({"user_id":"1","algorithm":"HMAC-SHA1"})",
                             R"({"user_id":"1"})", R"({"user_id":"1","algorithm":["HMAC-SHA256"]})"})
        EXPECT_FALSE(read_signed_request(signed_text(json), secret)) << json;
}

TEST(SignedRequest, WithoutAUserItMeansNothing)
{
    for (const char *json :
         {R"({"algorithm":"HMAC-SHA256"})", R"({"algorithm":"HMAC-SHA256","user_id":""})",
          R"({"algorithm":"HMAC-SHA256","user_id":"x'--"})", R"({"algorithm":"HMAC-SHA256","user_id":null})",
          R"({"algorithm":"HMAC-SHA256","user_id":{"id":"1"}})", "[]", "no JSON", ""})
        EXPECT_FALSE(read_signed_request(signed_text(json), secret)) << json;
}

TEST(SignedRequest, SizeIsLimited)
{
    const std::string json = R"({"algorithm":"HMAC-SHA256","user_id":"1","x":")";
    EXPECT_TRUE(read_signed_request(signed_text(json + std::string(1000, 'x') + "\"}"), secret));
    EXPECT_FALSE(read_signed_request(signed_text(json + std::string(20000, 'x') + "\"}"), secret));
    EXPECT_FALSE(read_signed_request(
        signed_text(json + "\",\"deep\":" + std::string(20, '[') + std::string(20, ']') + "}"), secret));
}

}  // namespace ig::platform
