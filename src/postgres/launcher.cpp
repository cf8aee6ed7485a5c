// Implements the launcher. It is connected to no database and touches no table of ours: it lists pg_database, registers
// workers, and learns from shared memory how they ended. Tiny on purpose: it changes only with a restart of the server.
#include "postgres/launcher.hpp"

#include <cstring>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "postgres/clock_change.hpp"
#include "postgres/guard.hpp"
#include "postgres/pacific.hpp"
#include "postgres/settings.hpp"
#include "postgres/shared_state.hpp"
#include "postgres/wake.hpp"

extern "C" {
PGDLLEXPORT void instagram_insights_launcher_main(Datum argument);
}

namespace ig::pg {

namespace {

constexpr long first_pause_ms = 5000;
constexpr long longest_pause_ms = 60000;
constexpr long healthy_ms = 60000;

struct Watched {
    TimestampTz start_at = 0;  // 0: not to be started
    TimestampTz seen_at = 0;   // changed_at of the last report acted upon
    TimestampTz started_at = 0;
    long pause_ms = first_pause_ms;
};

struct DatabaseName {
    Oid oid;
    NameData name;
};

// Databases that accept connections; palloc'd in the current context.
std::map<Oid, std::string> databases()
{
    struct List {
        DatabaseName *items;
        int size;
    };
    const List list = pg_call([] {
        StartTransactionCommand();
        (void)GetTransactionSnapshot();
        List result{static_cast<DatabaseName *>(MemoryContextAlloc(TopMemoryContext, sizeof(DatabaseName) * 16)), 0};
        int room = 16;
        Relation relation = table_open(DatabaseRelationId, AccessShareLock);
        TableScanDesc scan = table_beginscan_catalog(relation, 0, nullptr);
        HeapTuple tuple;
        while ((tuple = heap_getnext(scan, ForwardScanDirection)) != nullptr) {
            const Form_pg_database database = reinterpret_cast<Form_pg_database>(GETSTRUCT(tuple));
            if (!database->datallowconn || database->datistemplate) continue;
            if (result.size == room) {
                room *= 2;
                result.items = static_cast<DatabaseName *>(repalloc(result.items, sizeof(DatabaseName) * room));
            }
            result.items[result.size].oid = database->oid;
            result.items[result.size].name = database->datname;
            ++result.size;
        }
        table_endscan(scan);
        table_close(relation, AccessShareLock);
        CommitTransactionCommand();
        return result;
    });
    std::map<Oid, std::string> found;
    for (int i = 0; i < list.size; ++i) found.emplace(list.items[i].oid, NameStr(list.items[i].name));
    pg_call([&] { pfree(list.items); });
    return found;
}

// The databases named in instagram_insights.databases; empty with `all` set for *.
std::set<std::string> wanted_names(bool &all)
{
    std::set<std::string> names;
    std::string name;
    all = false;
    for (const char *at = settings.databases;; ++at) {
        if (*at == ',' || *at == '\0') {
            const std::size_t first = name.find_first_not_of(" \t\"");
            const std::size_t last = name.find_last_not_of(" \t\"");
            if (first != std::string::npos) names.insert(name.substr(first, last - first + 1));
            name.clear();
            if (*at == '\0') break;
        } else {
            name.push_back(*at);
        }
    }
    all = names.count("*") != 0;
    return names;
}

class Launcher {
public:
    void look(TimestampTz now);
    long wait_ms(TimestampTz now) const;
    void start_all();
    void follow_clock();

private:
    void learn(TimestampTz now);
    std::map<Oid, Watched> watched_;
    ClockChange clock_{current_time()};
};

// Takes in how workers ended: a clean leave names the next due time, a crash costs a growing pause.
void Launcher::learn(TimestampTz now)
{
    std::vector<DatabaseSlot> slots(SharedState::max_databases);
    const int used = copy_slots(slots.data());
    for (int i = 0; i < used; ++i) {
        const DatabaseSlot &slot = slots[static_cast<std::size_t>(i)];
        const auto found = watched_.find(slot.database);
        if (found == watched_.end() || found->second.seen_at == slot.changed_at) continue;
        Watched &state = found->second;
        state.seen_at = slot.changed_at;
        switch (slot.phase) {
        case WorkerPhase::running:
            state.start_at = 0;
            state.started_at = slot.changed_at;
            break;
        case WorkerPhase::left:
            state.start_at = TIMESTAMP_NOT_FINITE(slot.next_due) ? 0 : slot.next_due;
            state.pause_ms = first_pause_ms;
            break;
        case WorkerPhase::crashed:
            if (TimestampDifferenceExceeds(state.started_at, now, healthy_ms)) state.pause_ms = first_pause_ms;
            state.start_at = TimestampTzPlusMilliseconds(now, state.pause_ms);
            state.pause_ms = std::min(state.pause_ms * 2, longest_pause_ms);
            break;
        case WorkerPhase::mismatched:
            // Whoever brings the versions together starts the next one: a restart of the server, or the update's commit.
            state.start_at = 0;
            break;
        case WorkerPhase::unknown: break;
        }
    }
}

void Launcher::start_all()
{
    for (auto &[oid, state] : watched_)
        if (state.start_at == 0) state.start_at = GetCurrentTimestamp();
}

// Set back: every start that waits would come as much later. Whoever has nothing to do leaves again.
void Launcher::follow_clock()
{
    const Instant now = current_time();
    if (!clock_.set_back_from(now)) return;
    clock_ = ClockChange(now);
    for (auto &[oid, state] : watched_) state.start_at = GetCurrentTimestamp();
}

void Launcher::look(TimestampTz now)
{
    bool all = false;
    const std::set<std::string> names = wanted_names(all);
    const std::map<Oid, std::string> present = databases();
    for (auto it = watched_.begin(); it != watched_.end();) {
        const auto found = present.find(it->first);
        if (found == present.end() || !(all || names.count(found->second) != 0)) {
            forget_database(it->first);
            it = watched_.erase(it);
        } else {
            ++it;
        }
    }
    for (const auto &[oid, name] : present)
        if ((all || names.count(name) != 0) && watched_.count(oid) == 0) {
            // A database that is new to us is looked at once: after a restart it may hold unfinished work.
            watched_[oid].start_at = now;
        }
    learn(now);
    for (auto &[oid, state] : watched_) {
        if (state.start_at == 0 || state.start_at > now) continue;
        BackgroundWorker worker;
        describe_worker(worker, oid);
        worker.bgw_notify_pid = MyProcPid;
        const bool registered = pg_call([&] { return RegisterDynamicBackgroundWorker(&worker, nullptr); });
        // Without a free worker slot we try again; the worker's own report replaces this time once it runs.
        state.start_at = registered ? TimestampTzPlusMilliseconds(now, longest_pause_ms)
                                    : TimestampTzPlusMilliseconds(now, first_pause_ms);
        state.started_at = now;
    }
}

long Launcher::wait_ms(TimestampTz now) const
{
    // Databases made later start their worker on demand; looking for them now and then only serves restored ones.
    long wait = 300000;
    for (const auto &[oid, state] : watched_)
        if (state.start_at != 0)
            wait = std::min(wait, std::max(10L, TimestampDifferenceMilliseconds(now, state.start_at)));
    return wait;
}

void run_launcher()
{
    pg_call([] {
        pqsignal(SIGHUP, SignalHandlerForConfigReload);
        pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
        BackgroundWorkerUnblockSignals();
        BackgroundWorkerInitializeConnection(nullptr, nullptr, 0);
        pgstat_report_activity(STATE_IDLE, "waiting for workers");
    });
    set_launcher(MyProcPid);
    Launcher launcher;
    while (!ShutdownRequestPending) {
        if (ConfigReloadPending) {
            ConfigReloadPending = false;
            pg_call([] { ProcessConfigFile(PGC_SIGHUP); });
            launcher.start_all();  // what was switched off may be on now
        }
        launcher.follow_clock();
        const TimestampTz now = GetCurrentTimestamp();
        launcher.look(now);
        const long wait = launcher.wait_ms(now);
        pg_call([&] {
            (void)WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, wait, PG_WAIT_EXTENSION);
            ResetLatch(MyLatch);
            CHECK_FOR_INTERRUPTS();
        });
    }
    set_launcher(0);
}

}  // namespace

void register_launcher()
{
    BackgroundWorker worker;
    describe_worker(worker, InvalidOid);
    strlcpy(worker.bgw_name, "instagram_insights launcher", sizeof worker.bgw_name);
    strlcpy(worker.bgw_type, "instagram_insights launcher", sizeof worker.bgw_type);
    strlcpy(worker.bgw_function_name, "instagram_insights_launcher_main", sizeof worker.bgw_function_name);
    worker.bgw_restart_time = 5;
    RegisterBackgroundWorker(&worker);
}

}  // namespace ig::pg

void instagram_insights_launcher_main(Datum)
{
    ig::pg::cpp_entry([] { ig::pg::run_launcher(); });
    proc_exit(1);  // a static worker that exits with 0 would not be started again, also not after a reload
}
