// The key file: who may own it, how it is made, and that nothing ever replaces one.
#include "vault/key_file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <set>
#include <string>

namespace ig::vault {
namespace {

namespace fs = std::filesystem;

const std::string digits = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

class KeyFile : public testing::Test {
protected:
    void SetUp() override
    {
        std::string pattern = (fs::temp_directory_path() / "ig_key_file.XXXXXX").string();
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        folder = pattern;
        path = (folder / "key").string();
    }
    void TearDown() override { fs::remove_all(folder); }

    void write(const std::string &content, mode_t mode = 0600)
    {
        std::ofstream(path) << content;
        ASSERT_EQ(::chmod(path.c_str(), mode), 0);
    }
    std::string content() const
    {
        std::ifstream file(path);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    // The message with which the file is refused; empty if it is not.
    std::string refusal() const
    {
        try {
            read_key_file(path);
        } catch (const KeyFileUnusable &error) {
            return error.what();
        }
        return "";
    }
    std::size_t files() const
    {
        return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
    }

    fs::path folder;
    std::string path;
};

TEST_F(KeyFile, AFileOfOursIsRead)
{
    write(digits + "\n");
    EXPECT_EQ(read_key_file(path).id(), Key::from_text(digits).id());
}

TEST_F(KeyFile, AReadOnlyFileOfOursIsRead)
{
    write(digits, 0400);
    EXPECT_EQ(read_key_file(path).id(), Key::from_text(digits).id());
}

TEST_F(KeyFile, AMissingFileIsToldApart) { EXPECT_THROW(read_key_file(path), KeyFileMissing); }

TEST_F(KeyFile, AFileOpenToOthersIsRefusedWithItsPathAndMode)
{
    for (const mode_t mode : {0644, 0640, 0604, 0620, 0660, 0601, 0700, 04600}) {
        write(digits, mode);
        const std::string message = refusal();
        char text[8];
        std::snprintf(text, sizeof text, "%04o", mode);
        EXPECT_NE(message.find(text), std::string::npos) << message;
        EXPECT_NE(message.find(path), std::string::npos) << message;
        EXPECT_EQ(message.find(digits.substr(0, 8)), std::string::npos);
        ::chmod(path.c_str(), 0600);
    }
}

TEST_F(KeyFile, AFileOfAnotherUserIsRefused)
{
    if (::geteuid() == 0) {
        write(digits);
        ASSERT_EQ(::chown(path.c_str(), 65534, 65534), 0);
    } else {
        path = "/etc/passwd";  // root's, and readable
    }
    EXPECT_NE(refusal().find("belongs to user id"), std::string::npos) << refusal();
}

TEST_F(KeyFile, WhatIsNoRegularFileIsRefusedWithoutWaiting)
{
    ASSERT_EQ(::mkdir(path.c_str(), 0700), 0);
    EXPECT_NE(refusal().find("is a directory"), std::string::npos) << refusal();
    ASSERT_EQ(::rmdir(path.c_str()), 0);
    ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
    EXPECT_NE(refusal().find("is not a regular file"), std::string::npos) << refusal();
}

TEST_F(KeyFile, ATruncatedFileIsRefusedWithoutShowingIt)
{
    write(digits.substr(0, 40));
    EXPECT_NE(refusal().find("does not hold a key"), std::string::npos) << refusal();
    EXPECT_EQ(refusal().find(digits.substr(0, 8)), std::string::npos);
    write("");
    EXPECT_NE(refusal().find("does not hold a key"), std::string::npos) << refusal();
}

TEST_F(KeyFile, AHugeFileIsRefused)
{
    write(digits + std::string(1000, ' '));
    EXPECT_NE(refusal().find("too much"), std::string::npos) << refusal();
}

TEST_F(KeyFile, AnEmptyOrCutNameIsRefused)
{
    EXPECT_THROW(read_key_file(""), KeyFileUnusable);
    EXPECT_THROW(create_key_file(""), KeyFileUnusable);
    write(digits);
    EXPECT_THROW(read_key_file(path + std::string("\0x", 2)), KeyFileUnusable);
}

TEST_F(KeyFile, ASymbolicLinkIsFollowedAndItsTargetChecked)
{
    write(digits);
    const std::string link = (folder / "link").string();
    ASSERT_EQ(::symlink("key", link.c_str()), 0);
    EXPECT_EQ(read_key_file(link).id(), Key::from_text(digits).id());
    ASSERT_EQ(::chmod(path.c_str(), 0644), 0);
    EXPECT_THROW(read_key_file(link), KeyFileUnusable);
}

TEST_F(KeyFile, ALinkThatLeadsNowhereIsNotAMissingKey)
{
    ASSERT_EQ(::symlink("not_mounted", path.c_str()), 0);
    EXPECT_THROW(read_key_file(path), KeyFileUnusable);
    EXPECT_THROW(create_key_file(path), KeyFileUnusable);
    EXPECT_FALSE(fs::exists(folder / "not_mounted"));
    EXPECT_EQ(files(), 1u);
}

TEST_F(KeyFile, ANewFileIsOursAloneWhateverTheUmask)
{
    const mode_t before = ::umask(0);
    const std::string id = create_key_file(path).id();
    ::umask(0777);
    const std::string other = path + "2";
    create_key_file(other);
    ::umask(before);
    struct stat file {};
    for (const std::string &name : {path, other}) {
        ASSERT_EQ(::stat(name.c_str(), &file), 0);
        EXPECT_EQ(file.st_mode & 07777, 0600u);
        EXPECT_EQ(file.st_nlink, 1u);
    }
    EXPECT_EQ(read_key_file(path).id(), id);
    EXPECT_EQ(files(), 2u) << "a temporary file was left behind";
}

TEST_F(KeyFile, AnExistingKeyIsReturnedAndNeverReplaced)
{
    write(digits + "\n");
    EXPECT_EQ(create_key_file(path).id(), Key::from_text(digits).id());
    EXPECT_EQ(content(), digits + "\n");
    EXPECT_EQ(files(), 1u);
}

TEST_F(KeyFile, AnExistingDamagedFileIsNeverReplaced)
{
    write("not a key");
    EXPECT_THROW(create_key_file(path), KeyFileUnusable);
    EXPECT_EQ(content(), "not a key");
    EXPECT_EQ(files(), 1u);
}

TEST_F(KeyFile, AFolderThatIsNotThereIsToldAndNotMade)
{
    path = (folder / "missing" / "key").string();
    EXPECT_THROW(create_key_file(path), KeyFileUnusable);
    EXPECT_FALSE(fs::exists(folder / "missing"));
}

// Both processes wait on `start` until the parent closes it, then race; each says which key it got.
void race_once(const std::string &path, std::set<std::string> &ids)
{
    int start[2], answers[2];
    ASSERT_EQ(::pipe(start), 0);
    ASSERT_EQ(::pipe(answers), 0);
    pid_t children[2];
    for (pid_t &child : children) {
        child = ::fork();
        ASSERT_GE(child, 0);
        if (child != 0) continue;
        char byte;
        ::close(start[1]);
        if (::read(start[0], &byte, 1) != 0) ::_exit(2);
        try {
            const std::string id = create_key_file(path).id();
            ::_exit(::write(answers[1], id.data(), id.size()) == 16 ? 0 : 3);
        } catch (...) {
            ::_exit(4);
        }
    }
    ::close(start[0]);
    ::close(start[1]);
    for (const pid_t child : children) {
        int status = -1;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        EXPECT_EQ(status, 0);
        char id[16];
        ASSERT_EQ(::read(answers[0], id, sizeof id), 16);
        ids.insert(std::string(id, sizeof id));
    }
    ::close(answers[0]);
    ::close(answers[1]);
}

TEST_F(KeyFile, TwoWhoMakeItAtTheSameTimeGetTheSameKey)
{
    for (int round = 0; round < 100; ++round) {
        std::set<std::string> ids;
        race_once(path, ids);
        if (HasFatalFailure()) return;
        ids.insert(read_key_file(path).id());
        ASSERT_EQ(ids.size(), 1u) << "round " << round;
        ASSERT_EQ(files(), 1u);
        ASSERT_EQ(::unlink(path.c_str()), 0);
    }
}

}  // namespace
}  // namespace ig::vault
