// The vault: what is sealed for a place opens there and nowhere else, and damage is always noticed.
#include "vault/vault.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace ig::vault {
namespace {

const Place place{"8d3a3ef4-5f44-4c2e-9c0e-3d4f6a1b2c3d", "instagram", "17841400000000001", "access_token"};

Key key_of(char digit) { return Key::from_text(std::string(64, digit)); }

std::optional<OpenFailure> failure_of(const Vault &vault, std::string_view sealed, const Place &where)
{
    try {
        vault.open(sealed, where);
    } catch (const OpenFailure &failure) {
        return failure;
    }
    return std::nullopt;
}

TEST(Vault, WhatIsSealedOpensAgain)
{
    const Vault vault(Key::generate());
    EXPECT_EQ(vault.open(vault.seal(Secret("EAAB-token"), place), place).expose(), "EAAB-token");
}

TEST(Vault, AnotherProcessWithTheSameKeyOpensIt)
{
    const std::string sealed = Vault(key_of('a')).seal(Secret("EAAB-token"), place);
    EXPECT_EQ(Vault(key_of('a')).open(sealed, place).expose(), "EAAB-token");
}

TEST(Vault, EmptySecretIsASecretToo)
{
    const Vault vault(Key::generate());
    EXPECT_TRUE(vault.open(vault.seal(Secret(), place), place).empty());
}

TEST(Vault, LongSecretAndEveryByteValueSurvive)
{
    std::string bytes;
    for (int i = 0; i < 10000; ++i) bytes.push_back(static_cast<char>(i & 0xff));
    const Vault vault(Key::generate());
    EXPECT_EQ(vault.open(vault.seal(Secret(bytes), place), place).expose(), bytes);
}

TEST(Vault, SealedValueDoesNotShowTheSecret)
{
    const Vault vault(Key::generate());
    EXPECT_EQ(vault.seal(Secret("EAAB-token"), place).find("EAAB"), std::string::npos);
}

TEST(Vault, SealingTwiceGivesTwoDifferentValues)
{
    const Vault vault(Key::generate());
    EXPECT_NE(vault.seal(Secret("EAAB-token"), place), vault.seal(Secret("EAAB-token"), place));
}

TEST(Vault, AnyChangedBitIsNoticed)
{
    const Vault vault(Key::generate());
    const std::string sealed = vault.seal(Secret("EAAB-token"), place);
    for (std::size_t i = 0; i < sealed.size(); ++i) {
        for (int bit = 0; bit < 8; ++bit) {
            std::string changed = sealed;
            changed[i] = static_cast<char>(changed[i] ^ (1 << bit));
            const auto failure = failure_of(vault, changed, place);
            ASSERT_TRUE(failure) << "byte " << i << " bit " << bit;
            const OpenError expected = i == 0   ? OpenError::damaged
                                       : i <= 8 ? OpenError::other_key
                                                : OpenError::wrong_place_or_damaged;
            EXPECT_EQ(failure->error(), expected) << "byte " << i;
        }
    }
}

TEST(Vault, AnyTruncationAndAnyAdditionIsNoticed)
{
    const Vault vault(Key::generate());
    const std::string sealed = vault.seal(Secret("EAAB-token"), place);
    for (std::size_t size = 0; size < sealed.size(); ++size)
        EXPECT_TRUE(failure_of(vault, std::string_view(sealed).substr(0, size), place)) << size << " bytes";
    EXPECT_TRUE(failure_of(vault, sealed + '\0', place));
}

TEST(Vault, WhatIsNoSealedValueIsDamaged)
{
    const Vault vault(Key::generate());
    for (const std::string_view text : {"", "x", "EAAB-token in the clear, which is long enough to be a sealed value"})
        EXPECT_EQ(failure_of(vault, text, place)->error(), OpenError::damaged);
}

TEST(Vault, MovedToAnotherPlaceItDoesNotOpen)
{
    const Vault vault(Key::generate());
    const std::string sealed = vault.seal(Secret("EAAB-token"), place);
    Place user = place, platform = place, account = place, column = place;
    user.user_id.back() = 'e';
    platform.platform = "threads";
    account.account_id = "17841400000000002";
    column.column = "app_secret";
    for (const Place &other : {user, platform, account, column}) {
        const auto failure = failure_of(vault, sealed, other);
        ASSERT_TRUE(failure);
        EXPECT_EQ(failure->error(), OpenError::wrong_place_or_damaged);
    }
}

TEST(Vault, FieldsOfAPlaceDoNotRunIntoEachOther)
{
    const Vault vault(Key::generate());
    const std::string sealed = vault.seal(Secret("EAAB-token"), Place{"u", "ab", "c", "d"});
    EXPECT_TRUE(failure_of(vault, sealed, Place{"u", "a", "bc", "d"}));
    EXPECT_TRUE(failure_of(vault, sealed, Place{"ua", "b", "c", "d"}));
    EXPECT_TRUE(failure_of(vault, sealed, Place{"u", "ab", "cd", ""}));
}

TEST(Vault, AnotherKeyIsToldWithBothNames)
{
    const std::string sealed = Vault(key_of('a')).seal(Secret("EAAB-token"), place);
    const auto failure = failure_of(Vault(key_of('b')), sealed, place);
    ASSERT_TRUE(failure);
    EXPECT_EQ(failure->error(), OpenError::other_key);
    const std::string message = failure->what();
    EXPECT_NE(message.find(key_of('a').id()), std::string::npos) << message;
    EXPECT_NE(message.find(key_of('b').id()), std::string::npos) << message;
}

TEST(Vault, SealedValueSaysWhichKeyItWants)
{
    const Vault vault(key_of('a'));
    EXPECT_EQ(vault.key_id(), key_of('a').id());
    EXPECT_EQ(sealed_key_id(vault.seal(Secret("EAAB-token"), place)), key_of('a').id());
    EXPECT_EQ(sealed_key_id(vault.seal(Secret(), place)), key_of('a').id());
    EXPECT_EQ(sealed_key_id(""), std::nullopt);
    EXPECT_EQ(sealed_key_id(std::string(200, 'x')), std::nullopt);
}

TEST(Vault, ValueSealedByVersionOneOpensForEver)
{
    // Fixed bytes: rows written by an older release must open after an update.
    const std::string hex = "019b929f7b3423e662000102030405060708090a0b0c0d0e0f10111213141516172564567200a7ceb50aabef0a"
                            "135fa4b8cb84ea7c4c900e81fd65";
    std::string sealed;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
        sealed.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
    EXPECT_EQ(Vault(key_of('a')).open(sealed, place).expose(), "EAAB-token");
}

}  // namespace
}  // namespace ig::vault
