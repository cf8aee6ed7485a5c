// Joins the parts: requests, the check for failures, the readers.
#include "platform/instagram/instagram.hpp"

#include <utility>

#include "platform/instagram/batch_reader.hpp"
#include "platform/instagram/batch_request.hpp"
#include "platform/instagram/discovery_reader.hpp"
#include "platform/instagram/failure_reader.hpp"
#include "platform/instagram/insights_reader.hpp"
#include "platform/instagram/requests.hpp"

namespace ig::platform {

Instagram::Instagram(Endpoints endpoints) : endpoints_(std::move(endpoints)) {}

std::string_view Instagram::name() const noexcept { return "instagram"; }

HttpRequest Instagram::insights_request(const InsightsQuery &query, Secret token, Secret proof) const
{
    HttpRequest request;
    request.url = instagram::insights_url(endpoints_, query);
    request.bearer = std::move(token);
    request.secret_query = std::move(proof);
    return request;
}

Reading Instagram::read_insights(const InsightsQuery &query, const HttpResponse &response) const
{
    return instagram::read_answer(query, response);
}

std::size_t Instagram::most_in_batch(Login login) const noexcept
{
    return login == Login::facebook ? instagram::most_in_batch : 1;
}

HttpRequest Instagram::batch_request(const std::vector<BatchItem> &items) const
{
    return instagram::batch_request(endpoints_, items);
}

BatchReading Instagram::read_batch(const std::vector<const InsightsQuery *> &queries,
                                   const HttpResponse &response) const
{
    return instagram::read_batch(queries, response);
}

HttpRequest Instagram::discovery_request(Login login, Secret token, const std::optional<std::string> &cursor,
                                         Secret proof) const
{
    HttpRequest request;
    request.url = instagram::discovery_url(endpoints_, login, cursor);
    request.bearer = std::move(token);
    request.secret_query = std::move(proof);
    return request;
}

Discovery Instagram::read_discovery(Login login, const HttpResponse &response) const
{
    instagram::Answer answer = instagram::open_answer(response, {login});
    Discovery discovery;
    if (answer.failure) discovery.failure = std::move(answer.failure);
    else discovery = instagram::read_discovery(login, answer.body.root());
    discovery.usage = read_usage(response);
    return discovery;
}

}  // namespace ig::platform
