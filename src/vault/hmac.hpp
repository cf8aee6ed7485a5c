// HMAC-SHA256 of std::string_views, and a comparison that takes the same time whatever differs.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace ig::vault {

using Digest = std::array<unsigned char, 32>;

// RFC 2104 with SHA-256 (FIPS 180-4). This header needs nothing but std, so that platform and sync may use it.
Digest hmac_sha256(std::string_view key, std::string_view message) noexcept;

// Lower-case hexadecimal digits, as appsecret_proof wants them (graph-api.md 3.3).
std::string hex(const Digest &digest);

// True if equal. The time depends on the lengths only.
bool equal_in_constant_time(std::string_view left, std::string_view right) noexcept;

}  // namespace ig::vault
