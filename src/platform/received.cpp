// Picks the telling headers out of an answer.
#include "platform/received.hpp"

#include "platform/text.hpp"

namespace ig::platform {

namespace {

struct Spelling {
    ToldHeaders::Name name;
    std::string_view text;
};

constexpr Spelling spellings[] = {
    {ToldHeaders::Name::app_usage, "X-App-Usage"},
    {ToldHeaders::Name::business_usage, "X-Business-Use-Case-Usage"},
    {ToldHeaders::Name::retry_after, "Retry-After"},
    {ToldHeaders::Name::challenge, "WWW-Authenticate"},
};

}  // namespace

void ToldHeaders::add(std::string_view name, std::string_view value) noexcept
{
    for (const Spelling &spelling : spellings) {
        if (name.size() != spelling.text.size() || !equals_ignoring_case(name, spelling.text)) continue;
        if (count_ < headers_.size()) headers_[count_++] = {spelling.name, value};
        return;
    }
}

std::string_view ToldHeaders::first(Name name) const noexcept
{
    for (const Header &header : *this)
        if (header.name == name) return header.value;
    return {};
}

Received::Received(const HttpResponse &response) noexcept
    : failure(response.failure), failure_text(response.failure_text), status(response.status), body(response.body)
{
    for (const HttpHeader &header : response.headers) headers.add(header.name, header.value);
}

}  // namespace ig::platform
