// Any lines as the headers of an answer: found whatever their case, and a wait they name is more than nothing and at most a day.
#include <cstddef>
#include <cstdint>
#include <string>

#include "input.hpp"
#include "platform/instagram/api_error.hpp"
#include "platform/usage.hpp"
#include "require.hpp"

namespace {

using namespace ig::platform;

ig::HttpResponse answer_of(Input input)
{
    ig::HttpResponse response;
    response.status = 400;
    while (!input.empty()) {
        const std::string line = input.line();
        const std::size_t colon = line.find(": ");
        if (colon == std::string::npos) continue;
        response.headers.push_back({line.substr(0, colon), line.substr(colon + 2)});
    }
    return response;
}

void check_first(const ig::HttpResponse &response, const Received &received)
{
    const std::pair<ToldHeaders::Name, const char *> names[] = {
        {ToldHeaders::Name::app_usage, "x-app-usage"},
        {ToldHeaders::Name::business_usage, "x-business-use-case-usage"},
        {ToldHeaders::Name::retry_after, "retry-after"},
        {ToldHeaders::Name::challenge, "www-authenticate"},
    };
    std::size_t told = 0;
    for (const ToldHeaders::Header &header : received.headers) told += header.value.size() <= 1u << 20;
    require(told <= 8);
    for (const auto &[name, text] : names) {
        // Those that came when the others had filled the list may be missing, but never another's value is there.
        const std::string_view first = received.headers.first(name);
        if (told < 8 || !first.empty()) require(first == response.header(text));
    }
}

void check_wait(std::optional<std::chrono::seconds> wait)
{
    if (wait) require(wait->count() > 0 && *wait <= std::chrono::hours(24));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    const Input input(data, size);
    ig::HttpResponse response = answer_of(input);
    const Received received(response);
    check_first(response, received);
    check_wait(instagram::wait_in_headers(received));
    for (const Usage &usage : read_usage(received))
        require(usage.percent >= 0 && usage.percent <= 1000 && usage.whole_app == usage.account_id.empty());
    const Json no_body;
    if (const auto error = instagram::find_api_error(received, no_body.root())) {
        require(!received.headers.first(ToldHeaders::Name::challenge).empty());
        check_wait(error->wait);
    }
    const std::string text = input.rest();
    response.headers = {{"Retry-After", text}};
    check_wait(instagram::wait_in_headers(response));
    if (instagram::wait_in_headers(response)) require(text.find_first_not_of("0123456789") == std::string::npos);
    return 0;
}
