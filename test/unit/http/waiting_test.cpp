// Waiting, cancelling and ending: the descriptor, the timer, threads and signals.
#include <gtest/gtest.h>

#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <set>

#include "http/driver.hpp"
#include "http/name_lookup.hpp"
#include "http/scripted_server.hpp"

namespace ig::test {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;
using Then = Reply::Then;

Reply held(const SeenRequest &) { return {"", Then::hold}; }

bool readable(int descriptor, int milliseconds_at_most)
{
    pollfd polled{descriptor, POLLIN, 0};
    return ::poll(&polled, 1, milliseconds_at_most) == 1;
}

TEST(Waiting, AnIdleClientAsksForNothing)
{
    const http::Client client{http::ClientOptions{}};
    EXPECT_FALSE(client.timeout().has_value());
    EXPECT_FALSE(readable(client.pollable_fd(), 0));
    EXPECT_NE(fcntl(client.pollable_fd(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST(Waiting, TheDescriptorBecomesReadableWhenTheAnswerArrives)
{
    ScriptedServer server(held);
    Driver driver;
    driver.client.start(1, get(server.url("/")));
    ASSERT_TRUE(driver.until([&] { return server.requests() == 1; }));
    ASSERT_TRUE(driver.until([&] { return driver.client.timeout().value_or(milliseconds{1000}) > milliseconds{0}; }));
    EXPECT_FALSE(readable(driver.client.pollable_fd(), 0)) << "nothing has come, so nobody may be woken";
    EXPECT_TRUE(driver.completed.empty());
    const int descriptor = driver.client.pollable_fd();

    server.release(http_answer(200, "", "late"));
    ASSERT_TRUE(readable(descriptor, 10000));
    driver.steps = 0;
    ASSERT_TRUE(driver.until_completed(1));
    EXPECT_EQ(driver.completed.front().response.body, "late");
    EXPECT_EQ(driver.client.pollable_fd(), descriptor);
    EXPECT_LE(driver.steps, 3);
}

TEST(Waiting, AnAnswerCostsFewWakeUps)
{
    ScriptedServer server(held);
    http::ClientOptions options;
    options.request_timeout = milliseconds{300};
    Driver driver(options);
    EXPECT_EQ(driver.fetch(get(server.url("/"))).failure, TransportFailure::timeout);
    EXPECT_LT(driver.steps, 40) << "300 ms of waiting must not be a busy loop";
}

TEST(Waiting, ACompletedTransferAsksToBeTaken)
{
    http::Client client{http::ClientOptions{}};
    client.start(1, get("ftp://127.0.0.1/"));
    EXPECT_EQ(client.timeout(), milliseconds{0});
    EXPECT_EQ(client.take_completed().size(), 1u);
    EXPECT_FALSE(client.timeout().has_value());
}

TEST(Cancel, EndsAHangingTransferAtOnceAndFreesItsConnection)
{
    ScriptedServer server(held);
    Driver driver;
    driver.client.start(1, secret_get(server.url("/")));
    ASSERT_TRUE(driver.until([&] { return server.requests() == 1; }));
    const auto begin = Clock::now();
    driver.client.cancel(1);
    driver.client.cancel(99);  // unknown: nothing happens
    EXPECT_LT(Clock::now() - begin, milliseconds{1000});
    EXPECT_EQ(driver.client.in_flight(), 0u);
    EXPECT_TRUE(server.wait_for([&] { return server.connections_open() == 0; }));
    driver.step(milliseconds{0});
    EXPECT_TRUE(driver.completed.empty()) << "a cancelled transfer is not reported";
}

TEST(Cancel, MakesRoomForTheNextInLine)
{
    ScriptedServer server([](const SeenRequest &request) {
        return request.path() == "/held" ? Reply{"", Then::hold} : Reply{http_answer(200, "", "ok"), Then::keep};
    });
    http::ClientOptions options;
    options.max_connections_per_host = 1;
    Driver driver(options);
    driver.client.start(1, get(server.url("/held")));
    driver.client.start(2, get(server.url("/never")));
    driver.client.start(3, get(server.url("/next")));
    ASSERT_TRUE(driver.until([&] { return server.requests() == 1; }));
    driver.client.cancel(2);
    driver.client.cancel(1);
    EXPECT_EQ(driver.client.timeout(), milliseconds{0});
    ASSERT_TRUE(driver.until_completed(1));
    EXPECT_EQ(driver.completed.front().id, 3u);
    EXPECT_EQ(server.seen().back().path(), "/next");
    EXPECT_EQ(server.requests(), 2u);
}

TEST(Cancel, ANumberMayBeUsedAgain)
{
    ScriptedServer first(held);
    ScriptedServer second(held);
    http::ClientOptions options;
    options.max_connections_per_host = 1;
    Driver driver(options);
    driver.client.start(1, get(first.url("/")));
    driver.client.start(2, get(first.url("/")));
    driver.client.cancel(2);
    driver.client.start(2, get(second.url("/")));
    ASSERT_TRUE(driver.until([&] { return first.requests() == 1 && second.requests() == 1; }));
    driver.client.cancel(1);  // the place that the first 2 waited for is free now
    driver.step(milliseconds{0});
    second.release(http_answer(200, "", "ok"));
    ASSERT_TRUE(driver.until_completed(1));
    EXPECT_EQ(driver.completed.front().id, 2u);
    EXPECT_EQ(driver.completed.front().response.body, "ok");
    EXPECT_EQ(driver.completed.size(), 1u);
    EXPECT_EQ(driver.client.in_flight(), 0u);
    EXPECT_EQ(first.requests() + second.requests(), 2u);
}

TEST(Cancel, TakesBackWhatHasEndedButWasNotTaken)
{
    http::Client client{http::ClientOptions{}};
    client.start(1, get("ftp://127.0.0.1/"));
    client.start(2, get("ftp://127.0.0.1/"));
    client.cancel(1);
    const auto ended = client.take_completed();
    ASSERT_EQ(ended.size(), 1u);
    EXPECT_EQ(ended.front().id, 2u);
}

TEST(Cancel, AllTakesBackEverythingAlsoWhatHasEnded)
{
    ScriptedServer server(held);
    Driver driver;
    for (http::TransferId id = 0; id < 50; ++id) driver.client.start(id, get(server.url("/")));
    driver.client.start(50, get("ftp://127.0.0.1/"));
    driver.client.cancel_all();
    EXPECT_EQ(driver.client.in_flight(), 0u);
    EXPECT_TRUE(driver.client.take_completed().empty());
    EXPECT_FALSE(driver.client.timeout().value_or(milliseconds{1}) == milliseconds{0});
}

TEST(Ending, AClientWithTransfersUnderWayGoesQuickly)
{
    ScriptedServer server(held);
    {
        Driver driver;
        for (http::TransferId id = 0; id < 100; ++id) driver.client.start(id, secret_get(server.url("/")));
        ASSERT_TRUE(driver.until([&] { return server.requests() == 100; }));
    }
    EXPECT_TRUE(server.wait_for([&] { return server.connections_open() == 0; }));
}

TEST(Ending, AHangingLookUpHoldsNeitherCancelNorTheEnd)
{
    {
        Driver driver;
        driver.client.start(1, secret_get("https://hangs.test/"));
        driver.client.start(2, secret_get("https://hangs.test/"));
        ASSERT_TRUE(driver.until([] { return hanging_lookups() == 2; }));
        auto begin = Clock::now();
        driver.client.cancel(1);
        EXPECT_LT(Clock::now() - begin, milliseconds{1000});
        begin = Clock::now();
        driver.client.cancel_all();
        EXPECT_LT(Clock::now() - begin, milliseconds{1000});
        driver.client.start(3, secret_get("https://hangs.test/"));
        ASSERT_TRUE(driver.until([] { return hanging_lookups() == 3; }));
    }
    EXPECT_EQ(hanging_lookups(), 3) << "the client is gone, the look-ups still hang";
    release_lookups();
}

TEST(Ending, LookUpsOfOneHostAreFew)
{
    for (const auto &[http2, few] : {std::pair{false, 32}, std::pair{true, 1}}) {
        http::ClientOptions options;
        options.http2 = http2;
        {
            Driver driver(options);
            for (http::TransferId id = 0; id < 100; ++id) driver.client.start(id, secret_get("https://hangs.test/"));
            EXPECT_TRUE(driver.until([&, most = few] { return hanging_lookups() == most; }));
            for (int i = 0; i < 20; ++i) driver.step(milliseconds{5});
            EXPECT_EQ(hanging_lookups(), few);
        }
        release_lookups();
    }
}

std::set<long> threads()
{
    std::set<long> found;
    DIR *const folder = opendir("/proc/self/task");
    while (const dirent *entry = readdir(folder)) {
        if (entry->d_name[0] != '.') found.insert(std::strtol(entry->d_name, nullptr, 10));
    }
    closedir(folder);
    return found;
}

unsigned long long blocked_signals(long thread)
{
    std::ifstream status("/proc/self/task/" + std::to_string(thread) + "/status");
    for (std::string line; std::getline(status, line);) {
        if (line.rfind("SigBlk:", 0) == 0) return std::strtoull(line.c_str() + 7, nullptr, 16);
    }
    return 0;
}

TEST(Signals, ResolverThreadsHaveThemAllBlockedAndTheCallerKeepsItsMask)
{
    sigset_t before;
    sigset_t some;  // neither none nor all, so that a wrong mask shows
    sigemptyset(&some);
    sigaddset(&some, SIGUSR1);
    pthread_sigmask(SIG_SETMASK, &some, &before);
    const std::set<long> old_threads = threads();
    {
        Driver driver;
        driver.client.start(1, get("https://hangs.test/"));
        ASSERT_TRUE(driver.until([] { return hanging_lookups() == 1; }));
        const long thread = thread_of_hanging_lookup();
        EXPECT_EQ(old_threads.count(thread), 0u) << "the look-up must run in a thread of libcurl's";
        const unsigned long long in_kernel = blocked_signals(thread);
        const sigset_t in_thread = mask_of_hanging_lookup();
        for (int signal = 1; signal < 65; ++signal) {
            // Two cannot be blocked; the C library keeps 32 and 33 for itself.
            if (signal == SIGKILL || signal == SIGSTOP || signal == 32 || signal == 33) continue;
            EXPECT_EQ(sigismember(&in_thread, signal), 1) << "signal " << signal;
            EXPECT_TRUE((in_kernel >> (signal - 1) & 1) != 0) << "signal " << signal;
        }
        sigset_t now;
        pthread_sigmask(SIG_BLOCK, nullptr, &now);
        for (int signal = 1; signal < 65; ++signal) EXPECT_EQ(sigismember(&now, signal), sigismember(&some, signal));
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    release_lookups();
}

TEST(Ending, AProgramThatTheHostStartsInheritsNoConnection)
{
    ScriptedServer server(held);
    Driver driver;
    driver.client.start(1, get(server.url("/")));
    ASSERT_TRUE(driver.until([&] { return server.requests() == 1; }));
    int found = 0;
    for (int descriptor = 0; descriptor < 1024; ++descriptor) {
        sockaddr_in peer{};
        socklen_t size = sizeof peer;
        if (getpeername(descriptor, reinterpret_cast<sockaddr *>(&peer), &size) != 0) continue;
        if (peer.sin_family != AF_INET || ntohs(peer.sin_port) != server.port()) continue;
        ++found;
        EXPECT_NE(fcntl(descriptor, F_GETFD) & FD_CLOEXEC, 0);
    }
    EXPECT_EQ(found, 1);
}

TEST(Ending, LeavesNoDescriptorBehind)
{
    const auto open_descriptors = [] {
        int count = 0;
        DIR *const folder = opendir("/proc/self/fd");
        while (readdir(folder) != nullptr) ++count;
        closedir(folder);
        return count;
    };
    ScriptedServer server([](const SeenRequest &) { return Reply{http_answer(200, "", "ok"), Then::keep}; });
    const auto round = [&] {
        Driver driver;
        for (http::TransferId id = 0; id < 10; ++id) driver.client.start(id, get(server.url("/")));
        EXPECT_TRUE(driver.until_completed(10));
        driver.client.start(11, get(server.url("/")));
    };
    round();
    ASSERT_TRUE(server.wait_for([&] { return server.connections_open() == 0; }));
    const int before = open_descriptors();
    for (int i = 0; i < 5; ++i) round();
    ASSERT_TRUE(server.wait_for([&] { return server.connections_open() == 0; }));
    EXPECT_EQ(open_descriptors(), before);
}

}  // namespace
}  // namespace ig::test
