// Implements running key_command. Not by the server's OpenPipeStream(): a process that ends would wait for the command.
#include "postgres/key_command.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <system_error>

#include "postgres/guard.hpp"
#include "postgres/keyring.hpp"

namespace ig::pg {

namespace {

constexpr const char *limit_seconds = "10";
// timeout(1) has ended it by then, and only a process that it left behind can hold the pipe.
constexpr std::chrono::milliseconds give_up_after{11000};

[[noreturn]] void cannot_start(int error)
{
    throw KeyUnavailable("could not start instagram_insights.key_command: " + std::generic_category().message(error),
                         "The server's operating system user must be able to start timeout and /bin/sh.");
}

// How the command is started: in a process group of its own, with signals as for any program.
class SpawnPlan {
public:
    explicit SpawnPlan(int output)
    {
        posix_spawn_file_actions_init(&actions_);
        posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO);
        posix_spawnattr_init(&attributes_);
        posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        posix_spawnattr_setpgroup(&attributes_, 0);
        sigset_t signals;
        sigemptyset(&signals);
        posix_spawnattr_setsigmask(&attributes_, &signals);
        // What a server process ignores, its children would ignore, too.
        for (const int signal : {SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGALRM, SIGTERM, SIGUSR1, SIGUSR2, SIGCHLD})
            sigaddset(&signals, signal);
        posix_spawnattr_setsigdefault(&attributes_, &signals);
    }
    ~SpawnPlan()
    {
        posix_spawnattr_destroy(&attributes_);
        posix_spawn_file_actions_destroy(&actions_);
    }
    SpawnPlan(const SpawnPlan &) = delete;
    SpawnPlan &operator=(const SpawnPlan &) = delete;

    int start(pid_t &process, const char *const *arguments) const
    {
        return posix_spawnp(&process, arguments[0], &actions_, &attributes_, const_cast<char *const *>(arguments),
                            environ);
    }

private:
    posix_spawn_file_actions_t actions_;
    posix_spawnattr_t attributes_;
};

// The running command; it ends with this object, at the latest.
class RunningCommand {
public:
    explicit RunningCommand(const char *command)
    {
        int pipe_ends[2];
        if (pipe2(pipe_ends, O_CLOEXEC) != 0) cannot_start(errno);
        const char *const arguments[] = {"timeout", "-k", "1", limit_seconds, "/bin/sh", "-c", command, nullptr};
        const int error = SpawnPlan(pipe_ends[1]).start(process_, arguments);
        close(pipe_ends[1]);
        output_ = pipe_ends[0];
        if (error == 0) return;
        close(output_);
        cannot_start(error);
    }
    ~RunningCommand()
    {
        if (process_ == 0) return;
        kill(-process_, SIGKILL);
        (void)wait();
    }
    RunningCommand(const RunningCommand &) = delete;
    RunningCommand &operator=(const RunningCommand &) = delete;

    int output() const noexcept { return output_; }

    // Its exit status. Waits for its end, which its time limit bounds.
    int wait() noexcept
    {
        close(output_);
        int status = -1;
        while (waitpid(process_, &status, 0) < 0 && errno == EINTR) continue;
        process_ = 0;
        return status;
    }

private:
    pid_t process_ = 0;
    int output_ = -1;
};

struct Printed {
    char bytes[512] = {};
    std::size_t size = 0;
    bool ended = false;  // and not cut off
    ~Printed() { wipe_memory(bytes, sizeof bytes); }
};

// Until the command's end, or until there is more than a key can be, or no time left, whatever happens to the server's
// clock. Server code, to be called inside pg_call().
void read_output(int descriptor, Printed &printed)
{
    const auto deadline = std::chrono::steady_clock::now() + give_up_after;
    bool woken = false;
    while (!printed.ended && printed.size < sizeof printed.bytes) {
        const long left =
            std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
        if (left <= 0) break;
        const int wanted = WL_LATCH_SET | WL_SOCKET_READABLE | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH;
        const int events = WaitLatchOrSocket(MyLatch, wanted, descriptor, left, PG_WAIT_EXTENSION);
        if ((events & WL_LATCH_SET) != 0) {
            woken = true;
            ResetLatch(MyLatch);
            CHECK_FOR_INTERRUPTS();
        }
        if ((events & WL_SOCKET_READABLE) == 0) continue;
        const ssize_t got = read(descriptor, printed.bytes + printed.size, sizeof printed.bytes - printed.size);
        if (got > 0) printed.size += static_cast<std::size_t>(got);
        printed.ended = got == 0;
        if (got < 0 && errno != EINTR) break;
    }
    if (woken) SetLatch(MyLatch);  // it was meant for those who called us
}

}  // namespace

Secret output_of_key_command(const char *command)
{
    RunningCommand running(command);
    Printed printed;
    pg_call([&] { read_output(running.output(), printed); });
    if (!printed.ended || running.wait() != 0)
        throw KeyUnavailable(
            "instagram_insights.key_command failed or took longer than 10 s",
            "Run the command as the server's operating system user; it must print 64 hexadecimal digits.");
    return Secret(std::string_view(printed.bytes, printed.size));
}

}  // namespace ig::pg
