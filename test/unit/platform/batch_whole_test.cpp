// The answer to many queries that fails as a whole: one failure, and no item believed.
#include <gtest/gtest.h>

#include <gmock/gmock.h>

#include <chrono>
#include <string>
#include <vector>

#include "batch_answers.hpp"

namespace ig::platform {

using testing::ElementsAre;
using testing::HasSubstr;
using Kind = FailureKind;
using Reach = FailureReach;

TEST(BatchWhole, ARefusalIsOneFailureAndNoItems)
{
    struct Case {
        HttpResponse response;
        Kind kind;
        bool retry;
        Reach reach;
        int code;
    };
    const std::string dead = error_body(190, 460, "Error validating access token");
    const std::string many = R"({"error":{"message":"Too many requests in batch message. Maximum batch size is 50",)"
                             R"("type":"GraphBatchException"}})";
    for (const Case &one :
         {Case{answer(dead, 400), Kind::needs_login, false, Reach::account, 190},
          Case{answer(dead, 200), Kind::needs_login, false, Reach::account, 190},
          Case{answer(many, 400), Kind::invalid_request, false, Reach::request, 0},
          Case{answer(many, 200), Kind::invalid_request, false, Reach::request, 0},
          Case{answer(error_body(4, 0, "x"), 403), Kind::throttled, true, Reach::app, 4},
          Case{answer(error_body(2, 0, "x"), 500), Kind::transient, true, Reach::request, 2},
          Case{answer(error_body(506, 0, "x"), 400), Kind::invalid_request, false, Reach::request, 506},
          Case{answer(error_body(200, 0, "no"), 403), Kind::permission, false, Reach::request, 200},
          Case{answer("<html>", 502), Kind::transient, true, Reach::request, 0},
          Case{answer("[null,null]", 503), Kind::transient, true, Reach::request, 0},
          Case{answer("", 429), Kind::throttled, true, Reach::account, 0},
          Case{answer("<html>"), Kind::malformed, true, Reach::request, 0},
          Case{answer(""), Kind::malformed, true, Reach::request, 0},
          Case{answer("{}"), Kind::malformed, true, Reach::request, 0},
          Case{answer(R"({"data":[]})"), Kind::malformed, true, Reach::request, 0},
          Case{answer("null"), Kind::malformed, true, Reach::request, 0},
          Case{answer(R"([{"code":200,"body":"{}"},nul)"), Kind::malformed, true, Reach::request, 0},
          Case{answer(std::string(100, '[')), Kind::malformed, true, Reach::request, 0},
          Case{transport(TransportFailure::timeout), Kind::timeout, true, Reach::request, 0},
          Case{transport(TransportFailure::interrupted), Kind::network, true, Reach::request, 0},
          Case{transport(TransportFailure::refused), Kind::invalid_request, false, Reach::account, 0},
          Case{transport(TransportFailure::cancelled), Kind::cancelled, false, Reach::request, 0}}) {
        const Failure failure = fail_whole(one.response);
        EXPECT_EQ(to_string(failure.kind), to_string(one.kind)) << one.response.body;
        EXPECT_EQ(failure.retry, one.retry) << one.response.body;
        EXPECT_EQ(failure.reach, one.reach) << one.response.body;
        EXPECT_EQ(failure.code, one.code) << one.response.body;
        EXPECT_EQ(failure.http_status, one.response.status);
    }
    EXPECT_TRUE(fail_whole(transport(TransportFailure::too_large)).ask_less);
}

TEST(BatchWhole, AListOfAnotherLengthIsBelievedInNothing)
{
    const std::string good = item(200, reach_of(1));
    for (const std::string &body : {list({good}), list({good, good, good}), std::string("[]")}) {
        const Failure failure = fail_whole(answer(body));
        EXPECT_EQ(failure.kind, Kind::malformed);
        EXPECT_TRUE(failure.retry);
        EXPECT_THAT(failure.message, HasSubstr("for 2 queries"));
    }
}

TEST(BatchWhole, UsageIsToldWithARefusalToo)
{
    HttpResponse response = answer(error_body(4, 0, "limit"), 400);
    response.headers = {{"x-app-usage", R"({"call_count":100})"}};
    const BatchReading reading = read_batch(2, response);
    EXPECT_TRUE(reading.failure);
    ASSERT_EQ(reading.usage.size(), 1u);
    EXPECT_EQ(reading.usage[0].percent, 100);
}

TEST(BatchWhole, AnAnswerOfTheLargestSizeIsRead)
{
    std::string filler(4u << 20, ' ');
    std::string body = reach_of(7);
    body.insert(1, filler.substr(0, filler.size() - 4096));
    const BatchReading reading = read_batch(2, answer(list({item(200, body), item(200, reach_of(8))})));
    ASSERT_FALSE(reading.failure) << reading.failure->message;
    EXPECT_THAT(lines(*reading.items[0]), ElementsAre("reach 7 1795248000"));
    EXPECT_THAT(lines(*reading.items[1]), ElementsAre("reach 8 1795248000"));
}

}  // namespace ig::platform
