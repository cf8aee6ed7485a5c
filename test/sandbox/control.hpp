// The control API: how a test sets up the world, injects faults and looks at what happened.
#pragma once

#include <map>
#include <string>

#include "service.hpp"
#include "world.hpp"

namespace ig::sandbox {

class Control : public Service {
public:
    Control(World &world, Hanging &hanging);
    Plan serve(const Incoming &incoming) override;

private:
    struct Request {
        Parameters query;
        std::string body;
        std::string parameter(std::string_view name) const;
    };
    using Handler = std::string (Control::*)(const Request &);

    std::string health(const Request &);
    std::string get_accounts(const Request &);
    std::string post_accounts(const Request &request);
    std::string post_tokens(const Request &request);
    std::string post_values(const Request &request);
    std::string expected(const Request &request);
    std::string get_config(const Request &);
    std::string post_config(const Request &request);
    std::string post_clock(const Request &request);
    std::string get_clock(const Request &);
    std::string post_faults(const Request &request);
    std::string delete_faults(const Request &);
    std::string post_release(const Request &);
    std::string get_hanging(const Request &);
    std::string get_calls(const Request &request);
    std::string get_stats(const Request &);
    std::string post_reset(const Request &);
    // Of logins and budgets.
    std::string get_apps(const Request &);
    std::string post_apps(const Request &request);
    std::string post_persons(const Request &request);
    std::string get_codes(const Request &);
    std::string get_logins(const Request &);
    std::string get_tokens(const Request &request);
    std::string post_signed_request(const Request &request);
    std::string get_budgets(const Request &);
    std::string post_budgets(const Request &request);

    World &world_;
    Hanging &hanging_;
    std::map<std::string, Handler> handlers_;  // "GET /health" -> ...
};

// Throws BadInput.
Account parse_account(const Json &json, std::map<std::string, std::string> &states);
void change_settings(const Json &json, Settings &settings);
std::string accounts_json(const Accounts &accounts);
std::string settings_json(const Settings &settings);

// The lines account_id,metric,day,end_time,value that the API should lead to. `metric` and `account_id` may be empty.
std::string expected_csv(const World &world, const std::string &account_id, const std::string &metric, Day first,
                         Day last);

}  // namespace ig::sandbox
