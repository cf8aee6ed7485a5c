// Any rows of the table of budgets and any course of calls and answers: holds are bounded, and what is told is kept once.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "input.hpp"
#include "require.hpp"
#include "sync/governor.hpp"

namespace {

using namespace ig::sync;
using namespace std::chrono_literals;
using ig::Instant;

constexpr Instant begin = std::chrono::sys_days(std::chrono::year(2026) / 11 / 22);

class Course {
public:
    explicit Course(const std::uint8_t *data, std::size_t size) : input_(data, size)
    {
        options_.threshold = input_.byte() % 120;
        options_.calls_per_hour = input_.byte() % 8;
        options_.in_flight_near = 1 + input_.byte() % 4;
        governor_.set_options(options_);
    }

    void play()
    {
        while (!input_.empty()) {
            now_ += std::chrono::seconds(input_.byte() * input_.byte());
            step(input_.byte());
            for (int number = 0; number < accounts; ++number)
                for (const int priority : {0, 1, 2}) check_hold(key(number), priority);
        }
        for (int number = 0; number < accounts; ++number)
            while (in_flight_[number] > 0) gone(number);
        save();
    }

private:
    static constexpr int accounts = 3;

    static BudgetKey key(int number)
    {
        const auto login = number % 2 == 0 ? ig::platform::Login::facebook : ig::platform::Login::instagram;
        return {"user " + std::to_string(number), std::to_string(17841400000000000 + number), login};
    }

    void step(std::uint8_t what)
    {
        const int number = input_.byte() % accounts;
        switch (what % 6) {
        case 0: return load(number);
        case 1: return call(number);
        case 2: return in_flight_[number] > 0 ? gone(number) : void();
        case 3: return answer(number);
        case 4: return governor_.on_throttled(key(number), input_.byte() % 2 == 1, now_ + wait(), now_);
        default: return save();
        }
    }

    std::chrono::minutes wait() { return std::chrono::minutes(input_.byte() * 6); }

    // A table holds what the server's types can hold, and clocks may have jumped: years on either side.
    std::optional<Instant> moment()
    {
        constexpr std::int64_t far = std::int64_t{100} * 366 * 86400;
        const std::uint8_t kind = input_.byte();
        if (kind % 4 == 0) return std::nullopt;
        if (kind % 4 == 1) return now_ + wait() - 12h;
        return begin + std::chrono::seconds(input_.number() % far);
    }

    void load(int number)
    {
        BudgetRow row;
        const std::uint8_t kind = input_.byte();
        row.key = kind % 3 == 0 ? BudgetKey{"", "", key(number).login} : key(number);
        if (kind % 2 == 0) row.percent = static_cast<int>(input_.number() % 100000);
        row.observed_at = moment();
        row.blocked_until = moment();
        row.calls = input_.byte();
        row.hour = hour_of(moment().value_or(Instant()));
        governor_.load(row, now_);
    }

    void call(int number)
    {
        governor_.on_call(key(number), now_);
        ++in_flight_[number];
    }

    void gone(int number)
    {
        governor_.on_gone(key(number));
        if (--in_flight_[number] == 0) governor_.on_done(key(number), now_);
    }

    void answer(int number)
    {
        std::vector<ig::platform::Usage> usage(input_.byte() % 4);
        for (ig::platform::Usage &entry : usage) {
            entry.whole_app = input_.byte() % 2 == 0;
            if (!entry.whole_app) entry.account_id = key(input_.byte() % accounts).account_id;
            entry.percent = input_.byte() * 4;
            if (input_.byte() % 4 == 0) entry.regain_after = std::chrono::minutes(1) + wait();
        }
        std::optional<ig::platform::Failure> failure;
        if (input_.byte() % 4 == 0) {
            failure.emplace();
            failure->kind = ig::platform::FailureKind::throttled;
            failure->message = "too many calls";
        }
        const auto before = governor_.blocked_until(key(number), now_);
        governor_.on_answer(key(number), usage, failure, now_);
        require(governor_.blocked_until(key(number), now_) >= before);  // an answer never shortens a block
    }

    void save()
    {
        const std::vector<BudgetRow> rows = governor_.changed_rows(now_);
        for (const BudgetRow &row : rows)
            require(row.calls >= 0 && std::count_if(rows.begin(), rows.end(), [&row](const BudgetRow &other) {
                                          return !(row.key < other.key) && !(other.key < row.key);
                                      }) == 1);
        governor_.saved(rows, now_);
        require(governor_.changed_rows(now_).empty());
    }

    void check_hold(const BudgetKey &account, int priority)
    {
        const std::optional<Hold> hold = governor_.hold(account, priority, now_);
        const auto blocked = governor_.blocked_until(account, now_);
        if (blocked) {
            require(hold && hold->until && *hold->until >= *blocked && *blocked > now_);
        }
        if (!hold) return;
        if (hold->reason != Hold::Reason::in_flight) require(hold->until && *hold->until > now_);
        const ig::platform::Failure failure = hold_failure(*hold, now_);
        require(!failure.message.empty() && failure.retry && failure.wait && failure.wait->count() >= 0);
    }

    Input input_;
    GovernorOptions options_;
    Governor governor_;
    Instant now_ = begin;
    int in_flight_[accounts] = {};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    Course(data, size).play();
    return 0;
}
