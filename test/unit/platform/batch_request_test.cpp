// The one request for many queries: its exact form, and that no token leaves it.
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "platform/json.hpp"
#include "support.hpp"

namespace ig::platform {

namespace {

BatchItem item_of(std::string account_id, std::string_view token, std::string_view proof = {})
{
    BatchItem item{series_query({"reach", "views"}), Secret(token), Secret(proof)};
    item.query.account_id = std::move(account_id);
    return item;
}

std::vector<BatchItem> items_of(std::size_t count, Login login = Login::facebook)
{
    std::vector<BatchItem> items;
    for (std::size_t i = 0; i < count; ++i) {
        items.push_back(item_of(std::to_string(17841400000000001 + i), "EAAinvented" + std::to_string(i)));
        items.back().query.login = login;
    }
    return items;
}

int hex_value(char c) { return c <= '9' ? c - '0' : c - 'A' + 10; }

std::string decoded(std::string_view text)
{
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            plain += text[i];
            continue;
        }
        plain += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
        i += 2;
    }
    return plain;
}

std::string field(const HttpRequest &request, const std::string &name)
{
    const std::string form = "&" + std::string(request.form.expose());
    const std::size_t begin = form.find("&" + name + "=");
    if (begin == std::string::npos) return "(none)";
    const std::size_t value = begin + name.size() + 2;
    return decoded(form.substr(value, form.find('&', value) - value));
}

constexpr const char *window = "/insights?metric=reach,views&period=day&since=1795075200&until=1795248001";

}  // namespace

TEST(BatchRequest, EachQueryTravelsWithItsOwnTokenAndProof)
{
    std::vector<BatchItem> items;
    items.push_back(item_of("17841400000000001", "EAAone", "appsecret_proof=aa11"));
    items.push_back(item_of("17841400000000002", "EAAtwo"));
    const HttpRequest request = Instagram(Endpoints()).batch_request(items);
    EXPECT_EQ(request.method, HttpMethod::post);
    EXPECT_EQ(request.url, "https://graph.facebook.com/v25.0/");
    EXPECT_EQ(field(request, "batch"), std::string(R"([{"method":"GET","relative_url":"v25.0/17841400000000001)") +
                                           window + R"(&access_token=EAAone&appsecret_proof=aa11"},)" +
                                           R"({"method":"GET","relative_url":"v25.0/17841400000000002)" + window +
                                           R"(&access_token=EAAtwo"}])");
    EXPECT_EQ(field(request, "include_headers"), "true");
    EXPECT_EQ(field(request, "access_token"), "EAAone");
    EXPECT_EQ(field(request, "appsecret_proof"), "aa11");
    EXPECT_EQ(items[0].token.expose(), "EAAone") << "the items stay whole, to be asked alone";
}

TEST(BatchRequest, WithoutAProofNoneIsSent)
{
    EXPECT_EQ(field(Instagram(Endpoints()).batch_request(items_of(2)), "appsecret_proof"), "(none)");
}

TEST(BatchRequest, SecretsAreInTheFormOnly)
{
    const HttpRequest request = Instagram(Endpoints()).batch_request(items_of(50));
    EXPECT_EQ(request.url.find("EAA"), std::string::npos);
    EXPECT_EQ(request.url.find('?'), std::string::npos);
    EXPECT_TRUE(request.bearer.empty());
    EXPECT_TRUE(request.secret_query.empty());
    EXPECT_NE(request.form.expose().find("EAAinvented49"), std::string_view::npos);
}

TEST(BatchRequest, ATokenOfAnyBytesStaysInItsPlace)
{
    const std::string token = "a\"},{\\&b=c%41 d\xC3\xA9#\n+";
    std::vector<BatchItem> items;
    items.push_back(item_of("1", token));
    items.push_back(item_of("../2\"", "plain"));
    const HttpRequest request = Instagram({"http://127.0.0.1:9/", "https://other", "v1/2"}).batch_request(items);
    EXPECT_EQ(request.url, "http://127.0.0.1:9/v1%2F2/");
    EXPECT_EQ(field(request, "access_token"), token);
    const Json batch = Json::parse(field(request, "batch"));
    ASSERT_TRUE(batch.valid()) << batch.problem();
    ASSERT_EQ(batch.root().size(), 2u);
    const std::string url(batch.root().first().member("relative_url").text());
    const std::string before = std::string("v1%2F2/1") + window + "&access_token=";
    ASSERT_EQ(url.substr(0, before.size()), before);
    EXPECT_EQ(url.find_first_of("\"\\ #\n+{", before.size()), std::string::npos);
    EXPECT_EQ(decoded(url.substr(before.size())), token);
    EXPECT_NE(field(request, "batch").find("/..%2F2%22/insights"), std::string::npos);
}

TEST(BatchRequest, ASnapshotTravelsToo)
{
    std::vector<BatchItem> items = items_of(2);
    items[1].query.shape = MetricShape::snapshot;
    items[1].query.metrics = {"followers_count"};
    EXPECT_NE(field(Instagram(Endpoints()).batch_request(items), "batch")
                  .find(R"("v25.0/17841400000000002?fields=followers_count,username,name&access_token=EAAinvented1"})"),
              std::string::npos);
}

TEST(BatchRequest, AnotherNumberOrLoginIsRefused)
{
    const Instagram instagram{Endpoints()};
    EXPECT_EQ(instagram.most_in_batch(Login::facebook), 50u);
    EXPECT_EQ(instagram.most_in_batch(Login::instagram), 1u);
    EXPECT_NO_THROW(instagram.batch_request(items_of(2)));
    EXPECT_NO_THROW(instagram.batch_request(items_of(50)));
    for (const std::size_t count : {0u, 1u, 51u})
        EXPECT_THROW(instagram.batch_request(items_of(count)), std::invalid_argument) << count;
    EXPECT_THROW(instagram.batch_request(items_of(2, Login::instagram)), std::invalid_argument);
    std::vector<BatchItem> mixed = items_of(3);
    mixed[2].query.login = Login::instagram;
    EXPECT_THROW(instagram.batch_request(mixed), std::invalid_argument);
}

}  // namespace ig::platform
