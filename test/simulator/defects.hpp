// Defects that can be planted into the simulated worker and tables, one at a time, to prove that each promise can be seen broken.
#pragma once

#include <array>
#include <optional>
#include <string_view>

namespace ig::simulator {

enum class Defect {
    none,
    drop_value,         // one value of an outcome is not stored
    double_value,       // one value is stored under a second day as well
    other_user,         // rows are stored under another connection
    old_value_wins,     // a row that is there is never brought up to date
    swap_answers,       // two answers of a batch change places
    skip_day,           // a day counts as synced that was never asked
    ignore_block,       // "too many calls" is taken for a passing error
    ignore_near_limit,  // the threshold of the budgets is not obeyed
    crowd_near_limit,   // however many calls are under way near the limit
    ignore_own_cap,     // calls_per_hour is not obeyed
    begin_anew,         // a job that is tried again does not know what it was answered
    skip_fencing,       // results are stored without asking whose the lease is
    skip_connection,    // results of an earlier connection are stored
    forget_job,         // a job waits for a day that never comes
    lose_crashed_job,   // what a dead worker held is taken back by nobody
    starve_backfill,    // backfills are never claimed
    starve_refresh,     // who waits in person is claimed after all others
    never_renew,        // tokens are left to expire
    send_blocked,       // calls that were given out are sent even if they were blocked meanwhile
    chance              // something that is not in the seed decides
};

struct DefectName {
    Defect defect;
    std::string_view name;
};

inline constexpr std::array defect_names = {
    DefectName{Defect::drop_value, "drop_value"},
    DefectName{Defect::double_value, "double_value"},
    DefectName{Defect::other_user, "other_user"},
    DefectName{Defect::old_value_wins, "old_value_wins"},
    DefectName{Defect::swap_answers, "swap_answers"},
    DefectName{Defect::skip_day, "skip_day"},
    DefectName{Defect::ignore_block, "ignore_block"},
    DefectName{Defect::ignore_near_limit, "ignore_near_limit"},
    DefectName{Defect::crowd_near_limit, "crowd_near_limit"},
    DefectName{Defect::ignore_own_cap, "ignore_own_cap"},
    DefectName{Defect::begin_anew, "begin_anew"},
    DefectName{Defect::skip_fencing, "skip_fencing"},
    DefectName{Defect::skip_connection, "skip_connection"},
    DefectName{Defect::forget_job, "forget_job"},
    DefectName{Defect::lose_crashed_job, "lose_crashed_job"},
    DefectName{Defect::starve_backfill, "starve_backfill"},
    DefectName{Defect::starve_refresh, "starve_refresh"},
    DefectName{Defect::never_renew, "never_renew"},
    DefectName{Defect::send_blocked, "send_blocked"},
    DefectName{Defect::chance, "chance"},
};

inline std::optional<Defect> defect_of(std::string_view name)
{
    for (const DefectName &entry : defect_names)
        if (entry.name == name) return entry.defect;
    return std::nullopt;
}

}  // namespace ig::simulator
