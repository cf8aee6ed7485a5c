// What a refused login means and what the person can do about it.
#pragma once

#include <optional>
#include <string>

#include "http/message.hpp"
#include "platform/failure.hpp"
#include "platform/instagram/failure_reader.hpp"
#include "platform/platform.hpp"

namespace ig::platform {

// An answer of the login, opened; its failure is judged by the texts and subcodes of logins before the general codes.
instagram::Answer open_login_answer(Login login, const HttpResponse &response);

// An answer that says yes, but not what it ought to say.
Failure unreadable_login_answer(const HttpResponse &response, const std::string &why);

// What is wrong is the app's id or secret, not the user's login.
void blame_app(Failure &failure);

}  // namespace ig::platform
