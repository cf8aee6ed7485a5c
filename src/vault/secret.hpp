// Secret: bytes that are wiped when dropped, cannot be copied by accident and cannot be printed.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>

namespace ig {

// Overwrites memory in a way the compiler may not remove.
inline void wipe_memory(void *memory, std::size_t size) noexcept
{
    volatile unsigned char *byte = static_cast<volatile unsigned char *>(memory);
    while (size-- > 0) *byte++ = 0;
}

// Move-only owner of a secret. There is no operator<<, no implicit conversion and no copy; who needs
// the bytes says so by calling expose(), and a reviewer can search for that word.
class Secret {
public:
    Secret() noexcept = default;
    explicit Secret(std::string_view bytes) : size_(bytes.size())
    {
        if (size_ == 0) return;
        bytes_ = std::make_unique<char[]>(size_);
        for (std::size_t i = 0; i < size_; ++i) bytes_[i] = bytes[i];
    }
    Secret(Secret &&other) noexcept : bytes_(std::move(other.bytes_)), size_(std::exchange(other.size_, 0)) {}
    Secret &operator=(Secret &&other) noexcept
    {
        if (this != &other) {
            clear();
            bytes_ = std::move(other.bytes_);
            size_ = std::exchange(other.size_, 0);
        }
        return *this;
    }
    Secret(const Secret &) = delete;
    Secret &operator=(const Secret &) = delete;
    ~Secret() { clear(); }

    // A deliberate copy, for a value that must live in two places.
    Secret clone() const { return Secret(expose()); }
    // The bytes themselves; the view dies with this object.
    std::string_view expose() const noexcept { return {bytes_.get(), size_}; }
    bool empty() const noexcept { return size_ == 0; }
    std::size_t size() const noexcept { return size_; }
    void clear() noexcept
    {
        if (bytes_) wipe_memory(bytes_.get(), size_);
        bytes_.reset();
        size_ = 0;
    }

private:
    std::unique_ptr<char[]> bytes_;
    std::size_t size_ = 0;
};

}  // namespace ig
