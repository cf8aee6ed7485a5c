// The fuzzer's bytes taken apart: numbers and short texts from the front, and whatever is left as one text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

class Input {
public:
    Input(const std::uint8_t *data, std::size_t size) : rest_(reinterpret_cast<const char *>(data), size) {}

    bool empty() const { return rest_.empty(); }

    // 0 once nothing is left.
    std::uint8_t byte()
    {
        if (rest_.empty()) return 0;
        const auto taken = static_cast<std::uint8_t>(rest_.front());
        rest_.remove_prefix(1);
        return taken;
    }

    // Any 64 bits, the extremes among them.
    std::int64_t number()
    {
        std::uint64_t taken = 0;
        for (int i = 0; i < 8; ++i) taken = taken << 8 | byte();
        return static_cast<std::int64_t>(taken);
    }

    // Up to a line end, or to the end.
    std::string line()
    {
        const std::size_t end = rest_.find('\n');
        const std::string taken(rest_.substr(0, end));
        rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
        return taken;
    }

    std::string rest() const { return std::string(rest_); }

private:
    std::string_view rest_;
};
