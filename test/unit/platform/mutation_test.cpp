// Whatever bytes arrive, reading them never throws, and what comes out keeps its bounds.
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "platform/json.hpp"
#include "platform/text.hpp"
#include "samples.hpp"
#include "support.hpp"

namespace ig::platform {

namespace {

std::string mutated(std::string body, std::mt19937 &random)
{
    const std::string pieces[] = {"null",
                                  "{}",
                                  "[]",
                                  "\"",
                                  "\\",
                                  "0",
                                  "-",
                                  "1e308",
                                  "true",
                                  "\xff",
                                  "\\u0000",
                                  "\\ud800",
                                  "[[[[[[",
                                  "{\"a\":",
                                  std::string(1, '\0'),
                                  "99999999999999999999",
                                  "\"error\":",
                                  ",",
                                  "}"};
    for (std::size_t changes = 1 + random() % 4; changes > 0 && !body.empty(); --changes) {
        const std::size_t at = random() % body.size();
        switch (random() % 5) {
        case 0: body[at] = static_cast<char>(random() % 256); break;
        case 1: body.erase(at, 1 + random() % 20); break;
        case 2: body.insert(at, pieces[random() % std::size(pieces)]); break;
        case 3: body.insert(at, body.substr(random() % body.size(), random() % 60)); break;
        default: {
            // Another value in the place of one, so that the text stays JSON and only its types are wrong.
            const std::size_t colon = body.find(':', at);
            const std::size_t end = colon == std::string::npos ? colon : body.find_first_of(",}]", colon);
            if (end != std::string::npos) body.replace(colon + 1, end - colon - 1, pieces[random() % 3]);
        }
        }
    }
    return body;
}

void expect_sound(const Failure &failure)
{
    EXPECT_FALSE(failure.message.empty());
    EXPECT_LE(failure.message.size(), 2000u);
    std::string repaired;
    append_repaired_utf8(repaired, failure.message);
    EXPECT_EQ(repaired, failure.message);
    EXPECT_EQ(failure.message.find('\n'), std::string::npos);
    EXPECT_EQ(failure.message.find("EAAinvented"), std::string::npos);
}

}  // namespace

TEST(Mutations, NeverThrowAndKeepTheirBounds)
{
    std::mt19937 random(4711);
    const Instagram instagram{Endpoints()};
    std::vector<std::string_view> bodies(std::begin(samples::readable), std::end(samples::readable));
    bodies.insert(bodies.end(), std::begin(samples::errors), std::end(samples::errors));
    const int statuses[] = {200, 200, 400, 403, 429, 500};
    InsightsQuery series = series_query({"reach", "follower_count", "views"});
    InsightsQuery total = total_query({"reach", "views", "follows_and_unfollows"});
    InsightsQuery now = total_query({"engaged_audience_demographics", "online_followers"});
    now.period = "lifetime";
    InsightsQuery snapshot = series_query({"followers_count"});
    snapshot.shape = MetricShape::snapshot;
    for (int round = 0; round < 8000; ++round) {
        const std::string body = mutated(std::string(bodies[random() % bodies.size()]), random);
        HttpResponse response = answer(body, statuses[random() % std::size(statuses)]);
        response.headers.push_back({"WWW-Authenticate", body.substr(0, random() % 80)});
        response.headers.push_back({"X-Business-Use-Case-Usage", body});
        for (const InsightsQuery *query : {&series, &total, &snapshot, &now}) {
            Reading reading;
            ASSERT_NO_THROW(reading = instagram.read_insights(*query, response)) << body;
            if (reading.failure) {
                EXPECT_TRUE(reading.values.empty());
                expect_sound(*reading.failure);
            }
            for (const Failure &failure : reading.dropped) expect_sound(failure);
            for (const Value &value : reading.values) {
                EXPECT_TRUE(is_decimal(value.value) || (value.value.empty() && !value.parts.empty())) << body;
                if (value.parts.empty()) continue;
                EXPECT_TRUE(Json::parse(metadata_json(value.parts)).valid()) << body;
            }
        }
        for (const Login login : {Login::facebook, Login::instagram}) {
            Discovery discovery;
            ASSERT_NO_THROW(discovery = instagram.read_discovery(login, response)) << body;
            if (discovery.failure) expect_sound(*discovery.failure);
            for (const DiscoveredAccount &account : discovery.accounts)
                EXPECT_EQ(account.account_id.find_first_not_of("0123456789"), std::string::npos);
        }
    }
}

}  // namespace ig::platform
