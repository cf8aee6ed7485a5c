// A night of a few thousand accounts, some of them in trouble: what the others get is what they get in a clean night.
#include <gtest/gtest.h>

#include "fake_network.hpp"

namespace ig::test {

namespace {

constexpr sync::WorkId accounts = 3000;

enum class Trouble { none, flaky, named_metric, unnamed_metric, heavy, no_data, login_gone, busy, app_limit, dead };

// Out of 20 accounts 8 are well and 12 have one trouble or another.
Trouble trouble_of(sync::WorkId id)
{
    switch (id % 20) {
    case 1:
    case 2:
    case 3: return Trouble::flaky;
    case 5: return Trouble::named_metric;
    case 6: return Trouble::unnamed_metric;
    case 8: return Trouble::heavy;
    case 9: return Trouble::no_data;
    case 11: return Trouble::login_gone;
    case 13: return Trouble::busy;
    case 15:
    case 16: return Trouble::app_limit;
    case 18:
    case 19: return Trouble::dead;
    default: return Trouble::none;
    }
}

sync::Work night_work(sync::WorkId id)
{
    std::optional<Day> synced;
    if (id % 37 != 0) synced = yesterday - days{1};
    sync::Work result = work(id, {series("reach", synced), series("follower_count", synced, 30), total("views", synced),
                                  total("likes", synced), total("saves", synced), total("replies", synced),
                                  snapshot("followers_count", yesterday)});
    result.input.account_id = std::to_string(17841400000000000 + id);
    if (trouble_of(id) == Trouble::app_limit) result.input.login = Login::instagram;
    return result;
}

Reading troubled_answer(sync::WorkId id, const InsightsQuery &query, int nth, Instant now)
{
    switch (trouble_of(id)) {
    case Trouble::flaky: {
        const auto date = static_cast<unsigned>(query.first.time_since_epoch().count());
        const auto faults = static_cast<int>((id / 20 + date) % 3);
        return nth < faults ? failed(transient()) : answered(query);
    }
    case Trouble::named_metric: return asks(query, "likes") ? failed(unsupported({"likes"})) : answered(query);
    case Trouble::unnamed_metric: return asks(query, "likes") ? failed(unsupported()) : answered(query);
    case Trouble::heavy: {
        Failure less = transient();
        less.ask_less = true;
        return query.metrics.size() > 2 ? failed(less) : answered(query);
    }
    case Trouble::no_data:
        return asks(query, "follower_count") ? failed(failure(FailureKind::no_data, FailureReach::metrics))
                                             : answered(query);
    case Trouble::login_gone: return failed(failure(FailureKind::needs_login, FailureReach::account));
    case Trouble::busy: return now < noon + 30min ? failed(throttled(FailureReach::account, 1800s)) : answered(query);
    case Trouble::app_limit: return now < noon + 1h ? failed(throttled(FailureReach::app, 3600s)) : answered(query);
    case Trouble::dead: return failed(transient());
    case Trouble::none: break;
    }
    return answered(query);
}

FakeNetwork night(Answerer answerer)
{
    FakeNetwork network({}, 20261121, std::move(answerer));
    for (sync::WorkId id = 1; id <= accounts; ++id) network.add(night_work(id));
    network.run();
    return network;
}

}  // namespace

TEST(Simulation, TheTroublesOfSomeCostTheOthersNothing)
{
    const auto fine = [](sync::WorkId, const InsightsQuery &query, int, Instant) { return answered(query); };
    const FakeNetwork clean = night(fine);
    const FakeNetwork rough = night(troubled_answer);
    ASSERT_EQ(clean.outcomes().size(), accounts);
    ASSERT_EQ(rough.outcomes().size(), accounts);
    EXPECT_EQ(rough.live_works(), 0U);
    EXPECT_EQ(rough.lost(), 0);
    EXPECT_EQ(rough.doubled(), 0);

    std::map<ValueKey, std::string> expected;
    for (const auto &[key, value] : clean.stored()) {
        const auto &[id, metric, end_time] = key;
        const Trouble trouble = trouble_of(id);
        if (trouble == Trouble::login_gone || trouble == Trouble::dead) continue;
        if ((trouble == Trouble::named_metric || trouble == Trouble::unnamed_metric) && metric == "likes") continue;
        if (trouble == Trouble::no_data && metric == "follower_count") continue;
        expected[key] = value;
    }
    EXPECT_EQ(rough.stored(), expected);
}

TEST(Simulation, EachAccountEndsAsItsTroubleDeserves)
{
    const FakeNetwork rough = night(troubled_answer);
    for (const auto &[id, outcome] : rough.outcomes()) {
        switch (trouble_of(id)) {
        case Trouble::login_gone:
            ASSERT_EQ(outcome.status, sync::Status::needs_login);
            ASSERT_LE(rough.calls(id), 4);
            break;
        case Trouble::dead:
            ASSERT_EQ(outcome.status, sync::Status::failed);
            ASSERT_FALSE(outcome.retry_at);
            break;
        case Trouble::named_metric:
        case Trouble::unnamed_metric:
            ASSERT_EQ(outcome.status, sync::Status::partial);
            ASSERT_TRUE(progress_of(outcome, "likes").unsupported_since);
            break;
        default:
            ASSERT_EQ(outcome.status, sync::Status::succeeded) << id;
            ASSERT_EQ(progress_of(outcome, "views").synced_through, yesterday);
            break;
        }
        if (trouble_of(id) == Trouble::none) {
            ASSERT_EQ(rough.calls(id), outcome.calls_done) << "a healthy account pays no extra call";
            ASSERT_EQ(rough.calls(id), id % 37 == 0 ? 31 : 5);
        }
    }
}

}  // namespace ig::test
