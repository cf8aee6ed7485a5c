// HMAC-SHA256 by the vectors of RFC 4231, and the comparison that signatures are checked with.
#include "vault/hmac.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>

namespace ig::vault {
namespace {

std::string hmac(std::string_view key, std::string_view message) { return hex(hmac_sha256(key, message)); }

TEST(Hmac, AgreesWithRfc4231)
{
    EXPECT_EQ(hmac(std::string(20, '\x0b'), "Hi There"),
              "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    EXPECT_EQ(hmac("Jefe", "what do ya want for nothing?"),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    EXPECT_EQ(hmac(std::string(20, '\xaa'), std::string(50, '\xdd')),
              "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
    std::string counting;
    for (char c = 1; c <= 25; ++c) counting += c;
    EXPECT_EQ(hmac(counting, std::string(50, '\xcd')),
              "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b");
    EXPECT_EQ(hmac(std::string(20, '\x0c'), "Test With Truncation").substr(0, 32), "a3b6167473100ee06e0c796c2955552b");
    EXPECT_EQ(hmac(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First"),
              "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    EXPECT_EQ(hmac(std::string(131, '\xaa'),
                   "This is a test using a larger than block-size key and a larger than block-size data. The key needs "
                   "to be hashed before being used by the HMAC algorithm."),
              "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
}

// Lengths around the block's end decide where the padding goes; the sums come from OpenSSL.
TEST(Hmac, EveryLengthOfMessageAndKeyIsPaddedRightly)
{
    std::string all;
    for (std::size_t size = 0; size <= 130; ++size) all += hmac(std::string(size, 'k'), std::string(size, 'm'));
    EXPECT_EQ(hmac("", all), "6a2266246bd1f652ddd2ef4ebc15fd6d1d7325a442e9f654159f30963f3494c3");
}

TEST(Hmac, EmptyKeyAndMessageAreDefined)
{
    EXPECT_EQ(hmac("", ""), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST(Hmac, EqualOnlyIfEveryByteIs)
{
    const std::string digest(32, 'a');
    EXPECT_TRUE(equal_in_constant_time(digest, std::string(32, 'a')));
    EXPECT_TRUE(equal_in_constant_time("", ""));
    for (std::size_t i = 0; i < digest.size(); ++i) {
        std::string other = digest;
        other[i] = static_cast<char>(other[i] ^ 0x80);
        EXPECT_FALSE(equal_in_constant_time(digest, other)) << i;
    }
    EXPECT_FALSE(equal_in_constant_time(digest, digest.substr(1)));
    EXPECT_FALSE(equal_in_constant_time("", digest));
}

// A comparison that stopped at the first difference would be thousands of times as fast for the first byte as for the last of
// so long a text; of many measurements that take turns, the shortest is the one that nobody disturbed.
TEST(Hmac, TakesAsLongWhereverTheDifferenceIs)
{
    using Clock = std::chrono::steady_clock;
    const std::string expected(65536, 's');
    std::string first = expected;
    std::string last = expected;
    first.front() = 't';
    last.back() = 't';
    const auto duration = [&expected](const std::string &given) {
        const Clock::time_point begin = Clock::now();
        EXPECT_FALSE(equal_in_constant_time(expected, given));
        return std::chrono::duration<double>(Clock::now() - begin).count();
    };
    double shortest_first = 1;
    double shortest_last = 1;
    for (int i = 0; i < 200; ++i) {
        shortest_first = std::min(shortest_first, duration(first));
        shortest_last = std::min(shortest_last, duration(last));
    }
    EXPECT_GT(shortest_first / shortest_last, 0.5);
    EXPECT_LT(shortest_first / shortest_last, 2.0);
}

}  // namespace
}  // namespace ig::vault
