// WipedBuffer: writable bytes for a secret in the making, overwritten before they are freed.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "vault/secret.hpp"

namespace ig::vault {

class WipedBuffer {
public:
    // Never zero bytes, so that data() is a valid pointer for C functions.
    explicit WipedBuffer(std::size_t size) : size_(size), bytes_(std::make_unique<unsigned char[]>(size + 1)) {}
    ~WipedBuffer() { wipe_memory(bytes_.get(), size_ + 1); }
    WipedBuffer(const WipedBuffer &) = delete;
    WipedBuffer &operator=(const WipedBuffer &) = delete;

    unsigned char *data() noexcept { return bytes_.get(); }
    char *chars() noexcept { return reinterpret_cast<char *>(bytes_.get()); }
    std::size_t size() const noexcept { return size_; }
    std::string_view first(std::size_t count) noexcept { return {chars(), count}; }

private:
    std::size_t size_;
    std::unique_ptr<unsigned char[]> bytes_;
};

}  // namespace ig::vault
