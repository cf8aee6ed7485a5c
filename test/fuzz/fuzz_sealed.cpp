// Any bytes as a sealed value, a changed one, a key or a place: nothing opens but what was sealed, there, with that key.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "input.hpp"
#include "require.hpp"
#include "vault/vault.hpp"

namespace {

using namespace ig::vault;

constexpr std::string_view key_digits = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
constexpr std::string_view token = "EAAinventedinventedinvented";

const Vault &vault()
{
    static const Vault made(Key::from_text(key_digits));
    return made;
}

const Place &home()
{
    static const Place place{"00000000-0000-0000-0000-00000000000a", "instagram", "17841400000000001", "access_token"};
    return place;
}

// What opening says: nothing when it opened. No message holds anything secret or the bytes themselves.
std::optional<OpenError> refusal(std::string_view sealed, const Place &place, std::string_view expected)
{
    try {
        require(vault().open(sealed, place).expose() == expected);
        return std::nullopt;
    } catch (const OpenFailure &failure) {
        const std::string message = failure.what();
        require(!message.empty() && message.size() < 200 && message.find(token) == std::string::npos);
        for (const char c : message) require(c >= ' ' && c <= '~');
        return failure.error();
    }
}

// The fuzzer cannot forge one from nothing.
void check_bytes(const std::string &bytes)
{
    const auto named = sealed_key_id(bytes);
    const auto refused = refusal(bytes, home(), {});
    require(refused.has_value());
    require(named.has_value() == (*refused != OpenError::damaged));
    if (named) require(named->size() == 16 && (*named == vault().key_id()) == (*refused != OpenError::other_key));
}

// Pairs of a position and what it is changed by; a zero changes nothing. An odd byte at the end cuts or lengthens.
void check_changes(Input input)
{
    static const std::string sealed = vault().seal(ig::Secret(token), home());
    require(sealed_key_id(sealed) == vault().key_id() && !refusal(sealed, home(), token));
    require(sealed.find(token) == std::string::npos);
    std::string changed = sealed;
    for (int i = 0; i < 8 && !input.empty(); ++i) {
        const std::size_t at = input.byte() % sealed.size();
        changed[at] = static_cast<char>(changed[at] ^ input.byte());
    }
    if (const std::uint8_t length = input.byte(); length != 0) changed.resize(sealed.size() * length / 128, '\0');
    require(refusal(changed, home(), token).has_value() == (changed != sealed));
}

// Four lines are a place: what is sealed there opens there, and at home only if it is the same place.
void check_place(Input input)
{
    Place place{input.line(), input.line(), input.line(), input.line()};
    const std::string secret = input.rest();
    const std::string sealed = vault().seal(ig::Secret(secret), place);
    require(!refusal(sealed, place, secret));
    const bool same = place.user_id == home().user_id && place.platform == home().platform &&
                      place.account_id == home().account_id && place.column == home().column;
    require(refusal(sealed, home(), secret).has_value() != same);
    // A byte that moves from one part to the next is another place.
    if (place.column.empty()) return;
    place.account_id += place.column.front();
    place.column.erase(0, 1);
    require(refusal(sealed, place, secret) == OpenError::wrong_place_or_damaged);
}

void check_key(const std::string &text)
{
    try {
        const Key key = Key::from_text(text);
        const ig::Secret written = key.to_text();
        require(key.id().size() == 16 && written.size() == 2 * Key::size);
        require(text.find(key.id()) == std::string::npos);  // a name says nothing of the key
        require(Key::from_text(written.expose()).id() == key.id());
    } catch (const std::invalid_argument &error) {
        // One of two sentences, of which a number is all that was not known before.
        const std::string_view message = error.what();
        constexpr std::string_view beginning = "a key is 64 hexadecimal digits, but ";
        require(message.substr(0, beginning.size()) == beginning);
        const std::string_view what =
            message.substr(std::min(message.find_first_not_of("0123456789", beginning.size()), message.size()));
        require(what == " characters were given" || what == "other characters were given");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    const Input input(data, size);
    check_bytes(input.rest());
    check_changes(input);
    check_place(input);
    check_key(input.rest());
    return 0;
}
