// Usage headers in every spelling, and what of them is not believed.
#include <gtest/gtest.h>

#include <string>

#include "platform/usage.hpp"
#include "support.hpp"

namespace ig::platform {

namespace {

using std::chrono::minutes;

std::vector<Usage> usage_of(std::string name, std::string value)
{
    HttpResponse response = answer("{}");
    response.headers.push_back({std::move(name), std::move(value)});
    return read_usage(response);
}

int app_percent(std::string value)
{
    const std::vector<Usage> usages = usage_of("X-App-Usage", std::move(value));
    return usages.size() == 1 && usages[0].whole_app && usages[0].account_id.empty() ? usages[0].percent : -1;
}

}  // namespace

TEST(Usage, TheLargestMemberOfTheAppCountsWhateverItsName)
{
    EXPECT_EQ(app_percent(R"({"call_count":28,"total_time":25,"total_cputime":31})"), 31);
    EXPECT_EQ(app_percent(R"({"call_volume":0,"cpu_time":0})"), 0);
    EXPECT_EQ(app_percent(R"({"call_volume":7,"cpu_time":3})"), 7);
    EXPECT_EQ(app_percent(R"({"total_cpu_time":104})"), 104);
    EXPECT_EQ(app_percent(R"({"unheard_of":12,"name":"text","list":[99],"inner":{"x":99}})"), 12);
}

TEST(Usage, APartOfAPercentCountsWhole)
{
    EXPECT_EQ(app_percent(R"({"call_count":79.5})"), 80);
    EXPECT_EQ(app_percent(R"({"call_count":-5})"), 0);
    EXPECT_EQ(app_percent(R"({"call_count":99999999999999999999})"), 1000);
}

TEST(Usage, BusinessUseIsReadOutOfItsList)
{
    const std::vector<Usage> usages = usage_of("X-Business-Use-Case-Usage",
                                               R"({"17841400000000001":[{"type":"instagram","call_count":100,
        "total_cputime":25,"total_time":25,"estimated_time_to_regain_access":19}],
        "17841400000000002":[{"type":"instagram",
        "call_count":1,"ads_api_access_tier":"standard_access","estimated_time_to_regain_access":0}]})");
    ASSERT_EQ(usages.size(), 2u);
    EXPECT_FALSE(usages[0].whole_app);
    EXPECT_EQ(usages[0].account_id, "17841400000000001");
    EXPECT_EQ(usages[0].percent, 100);
    EXPECT_EQ(usages[0].regain_after, minutes(19));
    EXPECT_EQ(usages[1].account_id, "17841400000000002");
    EXPECT_EQ(usages[1].percent, 1);
    EXPECT_FALSE(usages[1].regain_after);
}

TEST(Usage, SeveralUsesOfOneAccountAreItsWorst)
{
    const std::vector<Usage> usages = usage_of("x-business-use-case-usage", R"({"1":[
        {"type":"pages","call_count":10,"estimated_time_to_regain_access":30},
        {"type":"instagram","call_count":60,"estimated_time_to_regain_access":5}]})");
    ASSERT_EQ(usages.size(), 1u);
    EXPECT_EQ(usages[0].percent, 60);
    EXPECT_EQ(usages[0].regain_after, minutes(30));
}

TEST(Usage, BudgetsOfOtherProductsHoldNothingUp)
{
    EXPECT_TRUE(usage_of("X-Business-Use-Case-Usage", R"({"1":[{"type":"ads_management","call_count":100}]})").empty());
}

TEST(Usage, AnObjectInPlaceOfTheListIsReadToo)
{
    const std::vector<Usage> usages =
        usage_of("X-Business-Use-Case-Usage", R"({"1":{"type":"instagram","call_count":9}})");
    ASSERT_EQ(usages.size(), 1u);
    EXPECT_EQ(usages[0].percent, 9);
}

TEST(Usage, TheWaitIsNoPercentAndAtMostADay)
{
    const std::vector<Usage> usages =
        usage_of("X-Business-Use-Case-Usage", R"({"1":[{"call_count":2,"estimated_time_to_regain_access":999999}]})");
    ASSERT_EQ(usages.size(), 1u);
    EXPECT_EQ(usages[0].percent, 2);
    EXPECT_EQ(usages[0].regain_after, std::chrono::hours(24));
}

TEST(Usage, WhatCannotBeReadIsLeftOut)
{
    for (const char *value : {"", "{}", "[]", "7", "null", "{", "\"x\"", R"({"call_count":"28"})",
                              R"({"call_count":1e3})", R"({"call_count":null})"})
        EXPECT_TRUE(usage_of("X-App-Usage", value).empty()) << value;
    for (const char *value : {R"({"acct":[{"call_count":1}]})", R"({"1":[]})", R"({"1":[7]})", R"({"1":7})",
                              R"({"":[{"call_count":1}]})", R"({"1":[{"type":"instagram"}]})"})
        EXPECT_TRUE(usage_of("X-Business-Use-Case-Usage", value).empty()) << value;
    EXPECT_TRUE(usage_of("X-App-Usage", std::string(100, '[')).empty());
    EXPECT_TRUE(usage_of("X-Other", R"({"call_count":1})").empty());
}

TEST(Usage, EveryHttpAnswerTellsItRefusalsToo)
{
    const Instagram instagram{Endpoints()};
    for (const int status : {200, 400}) {
        HttpResponse response =
            answer(status == 200 ? R"({"data":[]})" : R"({"error":{"message":"x","code":4}})", status);
        response.headers.push_back({"x-app-usage", R"({"call_count":90})"});
        EXPECT_EQ(instagram.read_insights(series_query({"reach"}), response).usage.at(0).percent, 90);
        EXPECT_EQ(instagram.read_discovery(Login::facebook, response).usage.at(0).percent, 90);
    }
    EXPECT_TRUE(instagram.read_insights(series_query({"reach"}), transport(TransportFailure::timeout)).usage.empty());
}

}  // namespace ig::platform
