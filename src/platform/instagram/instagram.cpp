// Joins the parts: requests, the check for failures, the readers.
#include "platform/instagram/instagram.hpp"

#include <utility>

#include "platform/instagram/discovery_reader.hpp"
#include "platform/instagram/failure_reader.hpp"
#include "platform/instagram/insights_reader.hpp"
#include "platform/instagram/requests.hpp"
#include "platform/instagram/snapshot_reader.hpp"

namespace ig::platform
{

Instagram::Instagram(Endpoints endpoints) : endpoints_(std::move(endpoints)) {}

std::string_view Instagram::name() const noexcept
{
    return "instagram";
}

HttpRequest Instagram::insights_request(const InsightsQuery &query, Secret token) const
{
    HttpRequest request;
    request.url = instagram::insights_url(endpoints_, query);
    request.bearer = std::move(token);
    return request;
}

Reading Instagram::read_insights(const InsightsQuery &query, const HttpResponse &response) const
{
    instagram::Answer answer = instagram::open_answer(response, {query.login, query.metrics});
    if (answer.failure) {
        Reading reading;
        reading.failure = std::move(answer.failure);
        return reading;
    }
    if (query.shape == MetricShape::snapshot) return instagram::read_snapshot(query, answer.body.root());
    return instagram::read_insights(query, answer.body.root());
}

HttpRequest Instagram::discovery_request(Login login, Secret token, const std::optional<std::string> &cursor) const
{
    HttpRequest request;
    request.url = instagram::discovery_url(endpoints_, login, cursor);
    request.bearer = std::move(token);
    return request;
}

Discovery Instagram::read_discovery(Login login, const HttpResponse &response) const
{
    instagram::Answer answer = instagram::open_answer(response, {login, {}});
    if (answer.failure) {
        Discovery discovery;
        discovery.failure = std::move(answer.failure);
        return discovery;
    }
    return instagram::read_discovery(login, answer.body.root());
}

} // namespace ig::platform
