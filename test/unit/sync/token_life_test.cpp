// When a token is renewed: from half life on, never too young, never without an end, and retries spread over what remains.
#include <gtest/gtest.h>

#include "sync/token_life.hpp"

namespace {

using namespace ig;
using namespace ig::sync;
using std::chrono::hours;

const Instant issued{std::chrono::sys_days{std::chrono::year{2026} / 11 / 1}};

TokenLife sixty_days(platform::Login login = platform::Login::instagram)
{
    TokenLife life;
    life.login = login;
    life.issued_at = issued;
    life.expires_at = issued + hours(60 * 24);
    life.app_configured = true;
    return life;
}

TEST(TokenLife, IsRenewedFromHalfLifeOn)
{
    EXPECT_EQ(refresh_verdict(sixty_days(), issued + hours(30 * 24) - std::chrono::milliseconds(1)),
              RefreshVerdict::not_due);
    EXPECT_EQ(refresh_verdict(sixty_days(), issued + hours(30 * 24)), RefreshVerdict::now);
}

TEST(TokenLife, WithoutAnEndIsLeftAlone)
{
    TokenLife page;
    page.app_configured = true;
    EXPECT_EQ(refresh_verdict(page, issued), RefreshVerdict::no_expiry);
    EXPECT_EQ(requested_refresh_verdict(page, issued), RefreshVerdict::no_expiry);
}

TEST(TokenLife, ThatIsOverCannotBeRenewed)
{
    EXPECT_EQ(refresh_verdict(sixty_days(), issued + hours(60 * 24)), RefreshVerdict::expired);
}

TEST(TokenLife, OfInstagramMustBeADayOld)
{
    EXPECT_EQ(requested_refresh_verdict(sixty_days(), issued + hours(24) - std::chrono::milliseconds(1)),
              RefreshVerdict::too_young);
    EXPECT_EQ(requested_refresh_verdict(sixty_days(), issued + hours(24)), RefreshVerdict::now);
    EXPECT_EQ(requested_refresh_verdict(sixty_days(platform::Login::facebook), issued), RefreshVerdict::now);
}

TEST(TokenLife, OfAShortTokenWaitsForTheDayEvenPastItsHalf)
{
    TokenLife brief = sixty_days();
    brief.expires_at = issued + hours(30);
    EXPECT_EQ(refresh_verdict(brief, issued + hours(16)), RefreshVerdict::too_young);
    EXPECT_EQ(refresh_verdict(brief, issued + hours(25)), RefreshVerdict::now);
}

TEST(TokenLife, OfFacebookNeedsTheApp)
{
    TokenLife life = sixty_days(platform::Login::facebook);
    life.app_configured = false;
    EXPECT_EQ(refresh_verdict(life, issued + hours(40 * 24)), RefreshVerdict::no_app);
    life.login = platform::Login::instagram;
    EXPECT_EQ(refresh_verdict(life, issued + hours(40 * 24)), RefreshVerdict::now);
}

TEST(TokenLife, WithUnknownBeginningCountsBackFromItsEnd)
{
    TokenLife life = sixty_days();
    life.issued_at.reset();
    EXPECT_EQ(refresh_verdict(life, issued + hours(29 * 24)), RefreshVerdict::not_due);
    EXPECT_EQ(refresh_verdict(life, issued + hours(31 * 24)), RefreshVerdict::now);
}

TEST(TokenLife, WaitsAfterAFailedTry)
{
    TokenLife life = sixty_days();
    life.refresh_after = issued + hours(41 * 24);
    EXPECT_EQ(refresh_verdict(life, issued + hours(40 * 24)), RefreshVerdict::waiting);
    EXPECT_EQ(refresh_verdict(life, issued + hours(41 * 24)), RefreshVerdict::now);
}

TEST(TokenLife, RetriesComeMoreOftenTowardsTheEnd)
{
    const Instant end = issued + hours(60 * 24);
    EXPECT_EQ(next_refresh_try(end, end - hours(30 * 24), 0) - (end - hours(30 * 24)), hours(24));
    EXPECT_EQ(next_refresh_try(end, end - hours(16), 0) - (end - hours(16)), hours(2));
    EXPECT_EQ(next_refresh_try(end, end - std::chrono::minutes(1), 0) - (end - std::chrono::minutes(1)),
              std::chrono::minutes(15));
}

TEST(TokenLife, RetriesAreSpreadByAtMostAQuarter)
{
    const Instant end = issued + hours(60 * 24);
    const Instant now = end - hours(16);
    for (std::uint64_t random = 0; random < 100000000; random += 7777777) {
        const auto pause = next_refresh_try(end, now, random) - now;
        EXPECT_GE(pause, hours(2));
        EXPECT_LE(pause, std::chrono::minutes(150));
    }
}

}  // namespace
