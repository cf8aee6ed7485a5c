// The exact requests, and that no token gets into a URL.
#include <gtest/gtest.h>

#include <string>

#include "support.hpp"

namespace ig::platform {

namespace {

constexpr const char *token = "EAAinventedtokeninventedtoken";

std::string url_of(const InsightsQuery &query, Endpoints endpoints = {})
{
    const HttpRequest request = Instagram(std::move(endpoints)).insights_request(query, Secret(token));
    EXPECT_EQ(request.method, HttpMethod::get);
    EXPECT_EQ(request.bearer.expose(), token);
    EXPECT_TRUE(request.form.empty());
    EXPECT_EQ(request.url.find(token), std::string::npos);
    EXPECT_EQ(request.url.find("access_token"), std::string::npos);
    return request.url;
}

}  // namespace

TEST(Requests, SeriesAsksOneSecondMoreThanTheWindow)
{
    EXPECT_EQ(url_of(series_query({"reach", "follower_count"})),
              "https://graph.facebook.com/v25.0/17841400000000001/insights?metric=reach,follower_count&period=day"
              "&since=1795075200&until=1795248001");
}

TEST(Requests, TotalAsksItsExactWindow)
{
    InsightsQuery query = total_query({"views", "likes"});
    query.login = Login::instagram;
    EXPECT_EQ(url_of(query),
              "https://graph.instagram.com/v25.0/17841400000000001/insights?metric=views,likes&period=day"
              "&metric_type=total_value&since=1795161600&until=1795248000");
}

TEST(Requests, BreakdownsGoWithTotalsAlone)
{
    InsightsQuery query = total_query({"views", "likes"});
    query.breakdown = "media_product_type,follow_type";
    EXPECT_EQ(url_of(query), "https://graph.facebook.com/v25.0/17841400000000001/insights?metric=views,likes&period=day"
                             "&metric_type=total_value&breakdown=media_product_type%2Cfollow_type"
                             "&since=1795161600&until=1795248000");
    query.shape = MetricShape::time_series;
    EXPECT_EQ(url_of(query).find("breakdown"), std::string::npos);
}

TEST(Requests, WhatIsTrueNowNamesNoDaysButATimeframe)
{
    InsightsQuery query = total_query({"follower_demographics"});
    query.period = "lifetime";
    query.breakdown = "country";
    query.timeframe = "this_month";
    EXPECT_EQ(url_of(query),
              "https://graph.facebook.com/v25.0/17841400000000001/insights?metric=follower_demographics&period=lifetime"
              "&metric_type=total_value&breakdown=country&timeframe=this_month");
}

TEST(Requests, WithoutAWindowNoneIsSent)
{
    InsightsQuery query = series_query({"reach"});
    query.since = query.until = Instant();
    EXPECT_EQ(url_of(query), "https://graph.facebook.com/v25.0/17841400000000001/insights?metric=reach&period=day");
}

TEST(Requests, SnapshotAsksTheUserNodeWithNames)
{
    InsightsQuery query = series_query({"followers_count", "name"});
    query.shape = MetricShape::snapshot;
    EXPECT_EQ(url_of(query), "https://graph.facebook.com/v25.0/17841400000000001?fields=followers_count,name,username");
}

TEST(Requests, DataCannotBreakOutOfItsPlace)
{
    InsightsQuery query = total_query({"reach&limit=x", "a,b"});
    query.account_id = "../me?x=1#";
    query.period = "day&x";
    EXPECT_EQ(url_of(query, {"http://127.0.0.1:9/", "https://other", "v1/2"}),
              "http://127.0.0.1:9/v1%2F2/..%2Fme%3Fx%3D1%23/insights?metric=reach%26limit%3Dx,a%2Cb&period=day%26x"
              "&metric_type=total_value&since=1795161600&until=1795248000");
}

TEST(Requests, AnEmptyVersionIsLeftOut)
{
    EXPECT_EQ(url_of(series_query({"reach"}), {"https://h", "https://i", ""}).rfind("https://h/17841400000000001/", 0),
              0u);
}

TEST(Requests, DiscoveryOfBothLogins)
{
    const Instagram instagram{Endpoints()};
    EXPECT_EQ(instagram.discovery_request(Login::facebook, Secret(token), std::nullopt).url,
              "https://graph.facebook.com/v25.0/me/accounts"
              "?fields=id,name,instagram_business_account%7Bid,username,name%7D&limit=100");
    EXPECT_EQ(instagram.discovery_request(Login::facebook, Secret(token), "QV=&x").url,
              "https://graph.facebook.com/v25.0/me/accounts"
              "?fields=id,name,instagram_business_account%7Bid,username,name%7D&limit=100&after=QV%3D%26x");
    const HttpRequest me = instagram.discovery_request(Login::instagram, Secret(token), std::nullopt);
    EXPECT_EQ(me.url, "https://graph.instagram.com/v25.0/me?fields=user_id,username,name,account_type");
    EXPECT_EQ(me.bearer.expose(), token);
}

}  // namespace ig::platform
