// A private certificate authority and a server certificate for loopback, made new at every start.
#pragma once

#include <string>

namespace ig::sandbox {

struct Certificates {
    std::string ca_pem;
    std::string server_pem;
    std::string server_key;
};

// Throws std::runtime_error.
Certificates make_certificates();

}  // namespace ig::sandbox
