// What the governor keeps in mind and what it has written: little for thousands of accounts, nothing lost that matters.
#include <gtest/gtest.h>

#include <cstdio>

#include "account.hpp"
#include "sync/governor.hpp"

namespace ig::test {

namespace {

using platform::Usage;
using sync::BudgetKey;
using sync::BudgetRow;
using sync::Governor;
using sync::Hold;

const BudgetKey ada{"00000000-0000-0000-0000-00000000000a", "17841400000000001", Login::facebook};

void served(Governor &governor, const BudgetKey &key, int percent, Instant now)
{
    governor.on_call(key, now);
    governor.on_gone(key);
    governor.on_answer(key, {Usage{false, key.account_id, percent, std::nullopt}}, std::nullopt, now);
}

// Writes what is worth it, as a transaction that commits; returns how many rows.
std::size_t write(Governor &governor, Instant now)
{
    const std::vector<BudgetRow> rows = governor.changed_rows(now);
    governor.saved(rows, now);
    return rows.size();
}

}  // namespace

TEST(GovernorMemory, BelowTheThresholdAnAccountIsWrittenOnce)
{
    Governor governor;
    served(governor, ada, 10, noon);
    EXPECT_EQ(write(governor, noon), 1U);
    for (int minute = 1; minute < 50; ++minute) {
        served(governor, ada, 10 + minute, noon + std::chrono::minutes{minute});
        EXPECT_EQ(write(governor, noon + std::chrono::minutes{minute}), 0U) << minute;
    }
    served(governor, ada, 80, noon + 50min);
    EXPECT_EQ(write(governor, noon + 50min), 1U) << "at the threshold it matters";
    served(governor, ada, 30, noon + 51min);
    EXPECT_EQ(write(governor, noon + 51min), 1U) << "and that it is over, too";
}

TEST(GovernorMemory, TheAppsShareIsWrittenAlsoAfterTheClockWasSetBack)
{
    Governor governor;
    const auto app_served = [&governor](int percent, Instant now) {
        governor.on_call(ada, now);
        governor.on_gone(ada);
        governor.on_answer(ada, {Usage{true, "", percent, std::nullopt}}, std::nullopt, now);
    };
    app_served(10, noon);
    write(governor, noon);
    app_served(11, noon - 1h);
    EXPECT_EQ(write(governor, noon - 1h), 1U);
    app_served(12, noon - 1h + 5s);
    EXPECT_EQ(write(governor, noon - 1h + 5s), 1U);
}

TEST(GovernorMemory, WhatWasReadBelowTheThresholdNeedNotBeWritten)
{
    Governor governor;
    governor.load({ada, 5, noon - 1h, std::nullopt, 0, {}}, noon);
    served(governor, ada, 60, noon);
    EXPECT_EQ(write(governor, noon), 0U);
}

TEST(GovernorMemory, AnAccountThatIsDoneIsForgotten)
{
    Governor governor;
    served(governor, ada, 10, noon);
    write(governor, noon);
    served(governor, ada, 20, noon + 1s);
    ASSERT_EQ(governor.changed_rows(noon + 1s).size(), 0U);
    governor.on_done(ada, noon + 1s);
    served(governor, ada, 20, noon + 2s);
    EXPECT_EQ(governor.changed_rows(noon + 2s).size(), 1U) << "it is as new";
}

TEST(GovernorMemory, WhatMustBeWrittenIsNotForgotten)
{
    Governor governor;
    served(governor, ada, 10, noon);
    governor.on_done(ada, noon);
    const auto rows = governor.changed_rows(noon);
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows[0].percent, 10);
    governor.on_done(ada, noon);
    EXPECT_EQ(governor.changed_rows(noon).size(), 1U) << "the transaction that should write it may have failed";
    governor.saved(rows, noon);
    EXPECT_TRUE(governor.changed_rows(noon).empty());
}

TEST(GovernorMemory, WhatHoldsOthersBackIsNotForgotten)
{
    Governor blocked;
    blocked.on_throttled(ada, false, noon + 5min, noon);
    write(blocked, noon);
    blocked.on_done(ada, noon);
    ASSERT_TRUE(blocked.hold(ada, 0, noon + 4min));
    EXPECT_EQ(blocked.hold(ada, 0, noon + 4min)->until, noon + 5min);

    Governor near;
    served(near, ada, 90, noon);
    write(near, noon);
    near.on_done(ada, noon);
    EXPECT_TRUE(near.hold(ada, 2, noon + 1s));

    Governor capped({80, 2, 4, 900s});
    served(capped, ada, 0, noon);
    served(capped, ada, 0, noon);
    write(capped, noon);
    capped.on_done(ada, noon);
    ASSERT_TRUE(capped.hold(ada, 0, noon + 1min));
    EXPECT_EQ(capped.hold(ada, 0, noon + 1min)->reason, Hold::Reason::own_cap);
}

TEST(GovernorMemory, ACallUnderWayKeepsItsAccountUntilItIsGone)
{
    Governor governor;
    served(governor, ada, 10, noon);
    write(governor, noon);
    governor.on_throttled(ada, false, noon + 1s, noon);
    write(governor, noon);
    for (int i = 0; i < 4; ++i) governor.on_call(ada, noon + 1s);
    governor.on_done(ada, noon + 2h);
    governor.on_gone(ada);
    EXPECT_FALSE(governor.hold(ada, 0, noon + 1s)) << "three of four fly while the end of a block is probed";
    governor.on_call(ada, noon + 1s);
    ASSERT_TRUE(governor.hold(ada, 0, noon + 1s));
    EXPECT_EQ(governor.hold(ada, 0, noon + 1s)->reason, Hold::Reason::in_flight);
}

TEST(GovernorMemory, ThousandsOfAccountsThatAreDoneAreAllWrittenOnce)
{
    Governor governor;
    const int accounts = 12000;
    std::size_t written = 0;
    for (int i = 0; i < accounts; ++i) {
        char id[24];
        std::snprintf(id, sizeof id, "178414%011d", i);
        const BudgetKey key{"00000000-0000-0000-0000-00000000000a", id, Login::facebook};
        const Instant now = noon + milliseconds{i};
        governor.load({key, std::nullopt, std::nullopt, std::nullopt, 0, {}}, now);
        served(governor, key, 7, now);
        governor.on_done(key, now);
        if (i % 200 == 199) written += write(governor, now);
    }
    EXPECT_EQ(written, static_cast<std::size_t>(accounts));
    EXPECT_EQ(write(governor, noon + 1min), 0U);
}

}  // namespace ig::test
