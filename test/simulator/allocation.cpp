// The simulator's own memory: blocks of a few sizes, kept by each thread, since half of a run would be spent in malloc.
// Left out of builds with sanitizers, which must see every allocation.
#include <array>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

constexpr std::size_t step = 32;
constexpr std::size_t sizes = 32;  // of up to 1 KiB; what is larger goes to malloc
constexpr std::size_t chunk = std::size_t{256} * 1024;

struct Block {
    Block *next;
};

struct Shelf {
    std::array<Block *, sizes> free{};
    char *fresh = nullptr;
    std::size_t left = 0;

    void *take(std::size_t size)
    {
        const std::size_t index = (size - 1) / step;
        if (Block *block = free[index]) {
            free[index] = block->next;
            return block;
        }
        const std::size_t whole = (index + 1) * step;
        if (left < whole) {
            fresh = static_cast<char *>(std::malloc(chunk));
            if (fresh == nullptr) throw std::bad_alloc();
            left = chunk;
        }
        void *const taken = fresh;
        fresh += whole;
        left -= whole;
        return taken;
    }
    void put(void *memory, std::size_t size) noexcept
    {
        Block *&first = free[(size - 1) / step];
        first = new (memory) Block{first};
    }
};

thread_local constinit Shelf shelf;

// Before each block its size, so that every form of delete finds it.
constexpr std::size_t header = alignof(std::max_align_t);

}  // namespace

void *operator new(std::size_t size)
{
    const std::size_t whole = size + header;
    void *const memory = whole <= step * sizes ? shelf.take(whole) : std::malloc(whole);
    if (memory == nullptr) throw std::bad_alloc();
    *static_cast<std::size_t *>(memory) = whole;
    return static_cast<char *>(memory) + header;
}

void operator delete(void *memory) noexcept
{
    if (memory == nullptr) return;
    void *const whole = static_cast<char *>(memory) - header;
    const std::size_t size = *static_cast<std::size_t *>(whole);
    if (size <= step * sizes) shelf.put(whole, size);
    else std::free(whole);
}

void operator delete(void *memory, std::size_t) noexcept { operator delete(memory); }
void *operator new[](std::size_t size) { return operator new(size); }
void operator delete[](void *memory) noexcept { operator delete(memory); }
void operator delete[](void *memory, std::size_t) noexcept { operator delete(memory); }
