// The queue as the worker changes it: reclaim, claim, renew, finish, each fenced by the generation it names.
#include <algorithm>

#include "tables.hpp"
#include "trace.hpp"

namespace ig::simulator {

namespace {

constexpr seconds lease{120};

}  // namespace

std::vector<JobId> Tables::reclaim(bool all, const std::vector<JobId> &held, Instant now)
{
    std::vector<JobId> taken;
    if (scenario_.defect == Defect::lose_crashed_job) return taken;
    for (const auto &[lease_until, id] : running_) {
        if (!all && lease_until >= now) break;
        if (all || std::find(held.begin(), held.end(), id) == held.end()) taken.push_back(id);
    }
    for (const JobId id : taken) {
        change(job(id), [now](Job &job) {
            ++job.crashes;
            ++job.generation;
            job.lease_until.reset();
            job.state = job.crashes >= 3 ? JobState::failed : JobState::waiting;
            job.due_at = now;
            job.claim = 0;
        });
    }
    return taken;
}

std::vector<ClaimedJob> Tables::claim(std::size_t most, Claim kind, Instant now)
{
    std::vector<ClaimedJob> claimed;
    Line &line = kind == Claim::suspects ? suspects_ : due_;
    std::vector<JobId> chosen;
    std::vector<JobKind> kinds = {JobKind::refresh, JobKind::daily, JobKind::backfill};
    if (kind == Claim::interactive) kinds.resize(1);
    if (scenario_.defect == Defect::starve_backfill) kinds.resize(std::min<std::size_t>(kinds.size(), 2));
    if (scenario_.defect == Defect::starve_refresh) {
        std::reverse(kinds.begin(), kinds.end());
        most = std::min<std::size_t>(most, 4);  // who takes all at once makes nobody wait
    }
    for (const JobKind of : kinds) {
        auto entry = line.lower_bound({of, Instant::min(), 0});
        for (; entry != line.end() && std::get<0>(*entry) == of && std::get<1>(*entry) <= now; ++entry) {
            if (chosen.size() >= most) break;
            chosen.push_back(std::get<2>(*entry));
        }
    }
    for (const JobId id : chosen) {
        ClaimedJob &taken = claimed.emplace_back();
        change(job(id), [this, now](Job &job) {
            job.state = JobState::running;
            ++job.generation;
            ++job.attempt;
            job.lease_until = now + lease;
            job.claim = ++last_claim_;
        });
        taken.job = job(id);
        taken.account_generation = connections_[taken.job.slot].generation;
        taken.epoch = connections_[taken.job.slot].epoch;
        taken.suspect = kind == Claim::suspects;
        taken.leased_at = now;
    }
    return claimed;
}

bool Tables::holds(const ClaimedJob &claimed) const
{
    const Job &job = jobs_[claimed.job.id - 1];
    return job.state == JobState::running && job.generation == claimed.job.generation;
}

bool Tables::renew(const ClaimedJob &claimed, Instant now)
{
    if (!holds(claimed)) return false;
    change(job(claimed.job.id), [now](Job &job) { job.lease_until = now + lease; });
    return true;
}

bool Tables::finish(const ClaimedJob &claimed, const JobEnd &end)
{
    if (scenario_.defect != Defect::skip_fencing && !holds(claimed)) return false;
    change(job(claimed.job.id), [&](Job &job) {
        job.state = end.state;
        if (end.due_at) job.due_at = *end.due_at;
        if (scenario_.defect == Defect::forget_job && end.state == JobState::waiting) job.due_at += days{3000};
        if (!end.count_try) --job.attempt;
        if (!lives(end.state)) job.answered.clear();
        if (lives(end.state) && end.answered && scenario_.defect != Defect::begin_anew) job.answered = *end.answered;
        job.lease_until.reset();
        if (end.count_try) job.crashes = 0;
        job.claim = 0;
    });
    return true;
}

std::optional<Instant> Tables::next_due(bool idle) const
{
    std::optional<Instant> next;
    const auto consider = [&next](Instant at) { next = next ? std::min(*next, at) : at; };
    for (const Line *line : {&due_, idle ? &suspects_ : nullptr}) {
        if (line == nullptr) continue;
        for (const JobKind kind : {JobKind::refresh, JobKind::daily, JobKind::backfill}) {
            if (kind == JobKind::backfill && scenario_.defect == Defect::starve_backfill) continue;
            const auto first = line->lower_bound({kind, Instant::min(), 0});
            if (first != line->end() && std::get<0>(*first) == kind) consider(std::get<1>(*first));
        }
    }
    if (idle && !running_.empty()) consider(running_.begin()->first);
    // As the worker reads it: in whole seconds, rounded up.
    if (next) next = std::chrono::ceil<seconds>(*next);
    return next;
}

std::optional<JobId> Tables::first_due(JobKind kind, bool suspects) const
{
    const Line &line = suspects ? suspects_ : due_;
    const auto first = line.lower_bound({kind, Instant::min(), 0});
    if (first == line.end() || std::get<0>(*first) != kind) return std::nullopt;
    return std::get<2>(*first);
}

}  // namespace ig::simulator
