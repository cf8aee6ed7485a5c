// Checks while the run goes on: what is stored is what was answered, by whom it may be stored, and that nobody waits too long.
#include "audit.hpp"

#include <algorithm>
#include <charconv>

#include "trace.hpp"

namespace ig::simulator {

namespace {

constexpr std::array<milliseconds, 3> longest_wait = {minutes{5}, hours{6}, hours{8}};  // until it is claimed, by kind
constexpr milliseconds longest_work = hours{8};
constexpr DayIndex days_read_again = 5;                   // three, and some where the clock was wrong
constexpr milliseconds longest_suspect_wait = hours{24};  // it runs alone, when hands are empty

std::string job_text(const Job &job)
{
    return "job " + std::to_string(job.id) + " of connection " + std::to_string(job.slot);
}

std::uint64_t number_in(const std::string &text)
{
    std::uint64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

}  // namespace

void Audit::on_claim(const ClaimedJob &claimed, Instant now)
{
    const milliseconds waited = now - std::max(claimed.job.due_at, disturbed_at_);
    const auto kind = static_cast<std::size_t>(claimed.job.kind);
    const milliseconds limit = claimed.suspect ? longest_suspect_wait : longest_wait.at(kind);
    if (!claimed.suspect) longest_.claim.at(kind) = std::max(longest_.claim.at(kind), waited);
    if (waited > limit)
        throw Violation("every due job gets its turn", job_text(claimed.job) + " claimed at " + moment_text(now));
}

void Audit::after_claim(const std::vector<ClaimedJob> &claimed, Instant now) const
{
    auto least_urgent = JobKind::refresh;
    for (const ClaimedJob &job : claimed)
        if (!job.suspect) least_urgent = std::max(least_urgent, job.job.kind);
    for (const JobKind kind : {JobKind::refresh, JobKind::daily}) {
        const std::optional<JobId> left = kind < least_urgent ? tables_.first_due(kind, false) : std::nullopt;
        if (left && tables_.job(*left).due_at <= now)
            throw Violation("the more urgent goes first", job_text(tables_.job(*left)) + " at " + moment_text(now));
    }
}

void Audit::look_at_lines(Instant now) const
{
    for (const JobKind kind : {JobKind::refresh, JobKind::daily, JobKind::backfill}) {
        for (const bool suspects : {false, true}) {
            const std::optional<JobId> first = tables_.first_due(kind, suspects);
            if (!first) continue;
            const Job &job = tables_.job(*first);
            const milliseconds limit =
                suspects ? longest_suspect_wait : longest_wait.at(static_cast<std::size_t>(kind));
            if (now - std::max(job.due_at, disturbed_at_) > limit)
                throw Violation("every due job gets its turn", job_text(job) + " still waits at " + moment_text(now));
        }
    }
}

void Audit::on_answer(Expectation &expectation, const platform::InsightsQuery &query,
                      const platform::Reading &reading) const
{
    const bool no_data = reading.failure && reading.failure->kind == platform::FailureKind::no_data;
    if (reading.failure && !no_data) return;
    const DayIndex first = scenario_.index_of(query.first);
    const DayIndex last = scenario_.index_of(query.last);
    for (const std::string &metric : query.metrics) {
        const auto again =
            std::find_if(reading.dropped.begin(), reading.dropped.end(), [&](const platform::Failure &dropped) {
                return dropped.retry && dropped.metrics.front() == metric;
            });
        if (again == reading.dropped.end())
            expectation.covers.push_back(
                {row_kind_of(metric, query.period), first, last, !no_data || query.metrics.size() == 1});
    }
    for (const platform::Value &value : reading.values) {
        const Number what = Number::unpacked(number_in(value.value));
        if (!is_wanted(what.slot, what.kind, what.day)) continue;
        const auto parts = static_cast<std::uint8_t>(value.parts.size());
        Expectation::Answered fresh{what.kind, what.day, what.packed(), parts};
        const auto same = [&](const Expectation::Answered &known) {
            return known.kind == what.kind && known.day == what.day;
        };
        // Only parts are asked for in several requests.
        const auto known = parts == 0 ? expectation.values.end()
                                      : std::find_if(expectation.values.begin(), expectation.values.end(), same);
        if (known == expectation.values.end()) {
            expectation.values.push_back(fresh);
        } else {
            known->number = fresh.number;
            ++known->parts;
        }
    }
}

// Of a window that nobody named, the days that end a week are asked; what comes of others is not kept.
bool Audit::is_wanted(Slot slot, RowKind kind, DayIndex day) const
{
    if (kind != RowKind::reach_week || scenario_.connections[slot].asks_everything) return true;
    const Day end = scenario_.calendar->day_ending_at(scenario_.starts[static_cast<std::size_t>(day) + 1]);
    return std::chrono::weekday(end) == std::chrono::Sunday;
}

void Audit::before_store(const ClaimedJob &claimed, Instant now)
{
    const Job &job = tables_.job(claimed.job.id);
    if (job.claim != claimed.job.claim)
        throw Violation("only who holds the lease stores", job_text(job) + " at " + moment_text(now));
    const Connection &connection = tables_.connection(job.slot);
    if (connection.generation != claimed.account_generation)
        throw Violation("nothing of an earlier connection is stored", job_text(job) + " at " + moment_text(now));
    const milliseconds took = now - std::max(claimed.leased_at, disturbed_at_);
    longest_.end = std::max(longest_.end, took);
    if (took > longest_work) throw Violation("every job ends", job_text(job) + " at " + moment_text(now));
    for (std::size_t kind = 0; kind < row_kinds; ++kind) {
        const auto known = connection.known.find(facts_of(static_cast<RowKind>(kind)).key);
        through_before_.at(kind) = known == connection.known.end() ? std::nullopt : known->second.through;
    }
}

void Audit::check_value(const ClaimedJob &claimed, const Expectation::Answered &value) const
{
    const Number what = Number::unpacked(value.number);
    if (what.slot != claimed.job.slot || what.epoch != (claimed.epoch & 15U))
        throw Violation("no number is attributed to another", job_text(claimed.job));
    const std::uint64_t stored = tables_.row(claimed.job.slot, value.kind, value.day).number;
    if (stored != value.number)
        throw Violation("no number is lost", job_text(claimed.job) + ": " + std::string(facts_of(value.kind).key) +
                                                 " of day " + std::to_string(value.day));
}

void Audit::after_store(const ClaimedJob &claimed, const Expectation &expectation, const sync::Outcome &outcome,
                        Instant started_at)
{
    if (outcome.values.size() != expectation.values.size())
        throw Violation("each number is handed over once", job_text(claimed.job) + ": " +
                                                               std::to_string(outcome.values.size()) + " instead of " +
                                                               std::to_string(expectation.values.size()));
    for (const Expectation::Answered &value : expectation.values) check_value(claimed, value);
    for (const platform::Value &value : outcome.values)
        if (!value.parts.empty() && value.metric == "views" && value.parts.size() > std::size(breakdowns_of_views))
            throw Violation("each part is kept once", job_text(claimed.job));
    for (const Expectation::Cover &cover : expectation.covers)
        for (DayIndex day = cover.first; day <= cover.last; ++day)
            tables_.row(claimed.job.slot, cover.kind, day).covered = true;
    check_progress(claimed.job.slot, started_at);
    check_repeats(claimed, expectation, outcome.retry_at.has_value());
    const bool whole = outcome.status == sync::Status::succeeded || outcome.status == sync::Status::partial;
    if (whole && !outcome.retry_at && claimed.job.kind == JobKind::daily) count_account_day();
}

void Audit::check_days(Slot slot, RowKind kind, DayIndex first, DayIndex last)
{
    for (DayIndex day = std::max(first, 0); day <= last; ++day)
        if (is_wanted(slot, kind, day) && !tables_.row(slot, kind, day).covered)
            throw Violation("a day counts as synced only when it was answered",
                            std::string(facts_of(kind).key) + " of connection " + std::to_string(slot) + ", day " +
                                std::to_string(day));
}

void Audit::check_progress(Slot slot, Instant started_at)
{
    const Day today = scenario_.calendar->day_at(started_at);
    for (const auto &[key, known] : tables_.connection(slot).known) {
        for (std::size_t index = 0; index < row_kinds; ++index) {
            const auto kind = static_cast<RowKind>(index);
            const RowFacts &facts = facts_of(kind);
            if (facts.key != key) continue;
            if (known.clipped_before && !facts.of_now && *known.clipped_before > today - days{facts.history_days - 1})
                throw Violation("nothing is given up that the API still has", key);
            const std::optional<Day> before = through_before_.at(index);
            if (!known.through || known.through == before) continue;
            if (before && *known.through < *before) throw Violation("what is synced stays synced", key);
            Day first = before ? *before + days{1} : today - days{29};
            if (facts.of_now) first = *known.through;
            if (known.clipped_before) first = std::max(first, *known.clipped_before);
            check_days(slot, kind, scenario_.index_of(first), scenario_.index_of(*known.through));
        }
    }
}

// The newest days may be read again once midnight has passed.
void Audit::check_repeats(const ClaimedJob &claimed, const Expectation &expectation, bool goes_on)
{
    const auto known = stored_by_waiting_.find(claimed.job.id);
    if (known == stored_by_waiting_.end() && !goes_on) return;
    std::map<RowKind, std::set<DayIndex>> &stored = stored_by_waiting_[claimed.job.id];
    std::map<RowKind, std::set<DayIndex>> fresh;
    for (const Expectation::Cover &cover : expectation.covers) {
        if (!cover.certain) continue;
        if (cover.kind != RowKind::profile_views && cover.kind != RowKind::accounts_engaged) continue;
        const std::set<DayIndex> &before = stored[cover.kind];
        if (before.count(cover.first) != 0 && cover.first <= *before.rbegin() - days_read_again)
            throw Violation("what a job was answered it does not ask again",
                            job_text(claimed.job) + ", day " + std::to_string(cover.first));
        fresh[cover.kind].insert(cover.first);
    }
    for (auto &[kind, fresh_days] : fresh) stored[kind].merge(fresh_days);
    if (!goes_on) stored_by_waiting_.erase(claimed.job.id);
}

void Audit::on_left(const ClaimedJob &claimed, const JobEnd &end, Instant now) const
{
    if (end.state == JobState::running) throw Violation("every job ends or waits", job_text(claimed.job));
    if (end.state == JobState::waiting && (!end.due_at || *end.due_at > now + days{8}))
        throw Violation("what waits has a time", job_text(claimed.job) + " at " + moment_text(now));
}

}  // namespace ig::simulator
