// Instagram as a platform: the Graph API of both logins, on graph.facebook.com and graph.instagram.com.
#pragma once

#include "platform/platform.hpp"

namespace ig::platform {

class Instagram : public Platform {
public:
    explicit Instagram(Endpoints endpoints);

    std::string_view name() const noexcept override;
    HttpRequest insights_request(const InsightsQuery &query, Secret token, Secret proof = Secret()) const override;
    Reading read_insights(const InsightsQuery &query, const HttpResponse &response) const override;
    std::size_t most_in_batch(Login login) const noexcept override;
    HttpRequest batch_request(const std::vector<BatchItem> &items) const override;
    BatchReading read_batch(const std::vector<const InsightsQuery *> &queries,
                            const HttpResponse &response) const override;
    HttpRequest discovery_request(Login login, Secret token, const std::optional<std::string> &cursor,
                                  Secret proof = Secret()) const override;
    Discovery read_discovery(Login login, const HttpResponse &response) const override;

private:
    Endpoints endpoints_;
};

}  // namespace ig::platform
