// Runs a shell command and gives what it writes; the tests take compressed bytes from gzip this way.
#pragma once

#include <cstdio>
#include <string>

namespace ig::test {

inline std::string output_of(const std::string &command)
{
    std::string text;
    FILE *const pipe = popen(command.c_str(), "r");
    if (pipe == nullptr) return text;
    char buffer[4096];
    for (std::size_t n = 0; (n = fread(buffer, 1, sizeof buffer, pipe)) > 0;) text.append(buffer, n);
    pclose(pipe);
    return text;
}

}  // namespace ig::test
