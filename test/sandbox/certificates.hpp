// A private certificate authority, a server certificate for loopback and some that nobody should trust, made new at every start.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace ig::sandbox {

struct Certificates {
    std::string ca_pem;
    std::string server_pem;
    std::string server_key;
    // By what is wrong with it: expired, not_yet_valid, wrong_host (of the same authority), self_signed. All with that key.
    std::vector<std::pair<std::string, std::string>> bad_pems;
};

// Throws std::runtime_error.
Certificates make_certificates();

}  // namespace ig::sandbox
