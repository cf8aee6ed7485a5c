// Keys: what counts as the text of a key, and what a key tells about itself.
#include "vault/vault.hpp"

#include <gtest/gtest.h>

#include <cctype>
#include <stdexcept>
#include <string>

namespace ig::vault {
namespace {

const std::string valid = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

std::string refusal(const std::string &text)
{
    try {
        Key::from_text(text);
    } catch (const std::invalid_argument &error) {
        return error.what();
    }
    return "";
}

TEST(Key, TextComesBackAsItWas) { EXPECT_EQ(Key::from_text(valid).to_text().expose(), valid); }

TEST(Key, WhiteSpaceAroundTheTextIsNoPartOfIt)
{
    EXPECT_EQ(Key::from_text(" \t\r\n" + valid + "\r\n\n ").id(), Key::from_text(valid).id());
}

TEST(Key, UpperCaseIsTheSameKey)
{
    std::string upper = valid;
    for (char &c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    EXPECT_EQ(Key::from_text(upper).id(), Key::from_text(valid).id());
    EXPECT_EQ(Key::from_text(upper).to_text().expose(), valid);
}

TEST(Key, IdIsSixteenHexDigitsThatStayTheSameForEver)
{
    // Stored with every sealed value: if this changes, nobody's tokens open any more.
    EXPECT_EQ(Key::from_text(valid).id(), "78bf39e7ab89dfdc");
}

TEST(Key, IdIsNoPartOfTheKey)
{
    const Key key = Key::generate();
    EXPECT_EQ(std::string(key.to_text().expose()).find(key.id()), std::string::npos);
}

TEST(Key, EveryBitOfTheKeyChangesTheId)
{
    const std::string id = Key::from_text(valid).id();
    for (std::size_t i = 0; i < valid.size(); ++i) {
        std::string other = valid;
        other[i] = other[i] == 'f' ? 'e' : 'f';
        EXPECT_NE(Key::from_text(other).id(), id) << "digit " << i;
    }
}

TEST(Key, TwoNewKeysDiffer) { EXPECT_NE(Key::generate().id(), Key::generate().id()); }

TEST(Key, WrongLengthIsRefusedAndTheLengthTold)
{
    EXPECT_NE(refusal(valid.substr(1)).find("63"), std::string::npos);
    EXPECT_NE(refusal(valid + "00").find("66"), std::string::npos);
    EXPECT_NE(refusal("").find("0 characters"), std::string::npos);
    EXPECT_NE(refusal(" \n ").find("0 characters"), std::string::npos);
}

TEST(Key, OtherCharactersAreRefusedWhereverTheyAre)
{
    for (std::size_t i = 0; i < valid.size(); ++i) {
        for (const char wrong : {'g', ' ', ':', '\0', '\xff'}) {
            if (wrong == ' ' && (i == 0 || i + 1 == valid.size())) continue;  // that is only a wrong length
            std::string text = valid;
            text[i] = wrong;
            EXPECT_FALSE(refusal(text).empty()) << "place " << i;
        }
    }
}

TEST(Key, RefusalNeverHoldsTheText)
{
    const std::string almost = valid.substr(0, 60);
    EXPECT_FALSE(refusal(almost).empty());
    EXPECT_EQ(refusal(almost).find(almost.substr(0, 6)), std::string::npos);
    const std::string not_hex = valid.substr(0, 63) + "z";
    EXPECT_FALSE(refusal(not_hex).empty());
    EXPECT_EQ(refusal(not_hex).find(not_hex.substr(0, 6)), std::string::npos);
}

}  // namespace
}  // namespace ig::vault
