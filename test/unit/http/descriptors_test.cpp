// Descriptors: none is inherited by programs the host starts, and none stays open behind a client.
#include <gtest/gtest.h>

#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "http/driver.hpp"
#include "http/scripted_server.hpp"

namespace ig::test {
namespace {

using Then = Reply::Then;

Reply held(const SeenRequest &) { return {"", Then::hold}; }

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
