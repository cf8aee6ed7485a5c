// The key file on disk: checks on the open descriptor, and creation that can never replace a key.
#include "vault/key_file.hpp"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <string_view>
#include <system_error>
#include <utility>

#include "vault/wiped_buffer.hpp"

namespace ig::vault {

namespace {

// A key is 64 digits and a line end; room for some white space, no more.
constexpr std::size_t max_file_bytes = 1024;

class Descriptor {
public:
    explicit Descriptor(int fd) noexcept : fd_(fd) {}
    ~Descriptor()
    {
        if (fd_ >= 0) ::close(fd_);
    }
    Descriptor(const Descriptor &) = delete;
    Descriptor &operator=(const Descriptor &) = delete;
    int get() const noexcept { return fd_; }
    bool valid() const noexcept { return fd_ >= 0; }
    // Closes and says whether that worked: a file system may report a failed write only here.
    bool close() noexcept { return ::close(std::exchange(fd_, -1)) == 0; }

private:
    int fd_;
};

// Removes the temporary name whatever happens; the linked name keeps the file.
class TemporaryName {
public:
    explicit TemporaryName(std::string name) : name_(std::move(name)) {}
    ~TemporaryName() { ::unlink(name_.c_str()); }
    TemporaryName(const TemporaryName &) = delete;
    TemporaryName &operator=(const TemporaryName &) = delete;

private:
    std::string name_;
};

std::string quoted(const std::string &path) { return "key file \"" + path + "\" "; }

[[noreturn]] void unusable(const std::string &path, const std::string &what)
{
    throw KeyFileUnusable(quoted(path) + what);
}

[[noreturn]] void unusable(const std::string &path, const std::string &what, int error)
{
    unusable(path, what + ": " + std::generic_category().message(error));
}

std::string octal(mode_t mode)
{
    std::array<char, 16> text{};
    std::snprintf(text.data(), text.size(), "%04o", static_cast<unsigned>(mode & 07777));
    return text.data();
}

void require_a_name(const std::string &path)
{
    if (path.empty()) throw KeyFileUnusable("no key file is named");
    if (path.find('\0') != std::string::npos) throw KeyFileUnusable("the name of the key file holds a zero byte");
}

// A symbolic link is followed and its target checked like any file. One that leads nowhere is not a missing key file:
// a volume may not be mounted, and a new key made now would hide the right one.
[[noreturn]] void report_open_failure(const std::string &path, int error)
{
    struct stat link {};
    if (error != ENOENT) unusable(path, "could not be opened", error);
    if (::lstat(path.c_str(), &link) == 0) unusable(path, "is a symbolic link to a file that does not exist");
    throw KeyFileMissing(quoted(path) + "does not exist");
}

void check_file(const std::string &path, int fd)
{
    struct stat file {};
    if (::fstat(fd, &file) != 0) unusable(path, "could not be examined", errno);
    if (S_ISDIR(file.st_mode)) unusable(path, "is a directory");
    if (!S_ISREG(file.st_mode)) unusable(path, "is not a regular file");
    if (file.st_uid != ::geteuid())
        unusable(path, "belongs to user id " + std::to_string(file.st_uid) + ", but must belong to user id " +
                           std::to_string(::geteuid()) + ", which runs the server");
    const mode_t mode = file.st_mode & 07777;
    if (mode != 0600 && mode != 0400)
        unusable(path, "has mode " + octal(mode) + ", but must have mode 0600 or 0400: nobody else may read it");
    if (file.st_size > static_cast<off_t>(max_file_bytes))
        unusable(path, "has " + std::to_string(file.st_size) + " bytes, which is too much for a key");
}

Key read_key(const std::string &path, int fd)
{
    WipedBuffer text(max_file_bytes + 1);  // one more, to notice a file that grew after the check
    std::size_t size = 0;
    while (size < text.size()) {
        const ssize_t got = ::read(fd, text.data() + size, text.size() - size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) unusable(path, "could not be read", errno);
        if (got == 0) break;
        size += static_cast<std::size_t>(got);
    }
    if (size > max_file_bytes) unusable(path, "has too many bytes for a key");
    try {
        return Key::from_text(text.first(size));
    } catch (const std::invalid_argument &error) {
        unusable(path, std::string("does not hold a key: ") + error.what());
    }
}

void write_all(const std::string &path, int fd, std::string_view text)
{
    while (!text.empty()) {
        const ssize_t written = ::write(fd, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) unusable(path, "could not be written", errno);
        text.remove_prefix(static_cast<std::size_t>(written));
    }
}

std::string folder_of(const std::string &path)
{
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos) return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

std::string temporary_name(const std::string &path)
{
    std::array<unsigned char, 8> random{};
    std::array<char, 17> hex{};
    randombytes_buf(random.data(), random.size());
    sodium_bin2hex(hex.data(), hex.size(), random.data(), random.size());
    return path + ".new." + hex.data();
}

void write_key(const std::string &path, const std::string &temporary, const Key &key)
{
    Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file.valid()) unusable(path, "could not be made in its folder", errno);
    const TemporaryName remove_on_failure(temporary);
    if (::fchmod(file.get(), 0600) != 0) unusable(path, "could not be given mode 0600", errno);  // whatever the umask
    const Secret text = key.to_text();
    write_all(path, file.get(), text.expose());
    write_all(path, file.get(), "\n");
    if (::fsync(file.get()) != 0) unusable(path, "could not be flushed to disk", errno);
    if (!file.close()) unusable(path, "could not be closed", errno);
    // link, not rename: rename would replace a key that somebody else made meanwhile.
    if (::link(temporary.c_str(), path.c_str()) != 0 && errno != EEXIST) unusable(path, "could not be named", errno);
}

// Also when another process made the file: its name must be on disk before anything is sealed with its key.
void flush_folder(const std::string &path)
{
    const Descriptor folder(::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder.valid()) unusable(path, "is in a folder that could not be opened", errno);
    // Some file systems cannot flush a folder and say so with these two; the server itself goes on then.
    if (::fsync(folder.get()) != 0 && errno != EINVAL && errno != EBADF)
        unusable(path, "is in a folder that could not be flushed to disk", errno);
}

}  // namespace

Key read_key_file(const std::string &path)
{
    require_a_name(path);
    // O_NONBLOCK: a FIFO under this name must not stop us before we can see what it is.
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (!file.valid()) report_open_failure(path, errno);
    check_file(path, file.get());
    return read_key(path, file.get());
}

Key create_key_file(const std::string &path)
{
    require_a_name(path);
    const Key key = Key::generate();
    write_key(path, temporary_name(path), key);
    flush_folder(path);
    return read_key_file(path);
}

Key store_key_file(const std::string &path, Key key)
{
    require_a_name(path);
    write_key(path, temporary_name(path), key);
    flush_folder(path);
    Key stored = read_key_file(path);
    if (stored.id() != key.id()) unusable(path, "holds another key already");
    return stored;
}

}  // namespace ig::vault
