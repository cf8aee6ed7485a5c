# What a sync costs beside time: write-ahead log, memory, snapshots, and the plan of the claim.
import re

from harness.probes import Wal, anonymous_memory, oldest_snapshot, wait_until

QUEUE = """INSERT INTO instagram_insights.sync_jobs (user_id, account_id, kind, since, until)
SELECT a.user_id, a.account_id, 'backfill', y.day - k %% 29, y.day - k %% 29
  FROM generate_series(1, %s) k, instagram_insights.accounts a,
       LATERAL (SELECT (now() AT TIME ZONE 'America/Los_Angeles')::date - 1 AS day) y
 WHERE a.status = 'active'"""


def largest(sums):
    """The relations with the most bytes, in words."""
    return ", ".join(f"{name} {size}" for name, size in list(sums.items())[:9])


def wal(bench):
    """Bytes of write-ahead log for each new row, full-page images off."""
    cluster = bench.cluster
    cluster.settings(full_page_writes="off")
    try:
        for accounts, days in ((bench.size(10000, 2000), 1), (bench.size(1000, 300), 29)):
            bench.one("ours", (0, 0), 100, days, 10, 50)
            written = []
            for _ in range(bench.runs):
                cluster.forget(accounts)
                log = Wal(cluster)
                rows = bench.side("ours").run(accounts, days, 10, 50)["rows"]
                written.append(log.written() / rows)
            written.sort()
            title = f"write-ahead log, {accounts} accounts, {days} day{'s' if days > 1 else ''}"
            bench.report.target(f"{title}: at most 400 bytes a new row", written[len(written) // 2], 400)
            bench.report.note(f"{title}: {written[0]:.0f} to {written[-1]:.0f} bytes a row; of the last run's bytes: "
                              f"{largest(log.by_relation())}")
            bench.report.progress(f"{title}: {written[len(written) // 2]:.0f} bytes a row")
    finally:
        cluster.settings(full_page_writes="on")


def unchanged(bench):
    """A second sync that brings nothing new."""
    cluster, accounts = bench.cluster, bench.size(1000, 500)
    cluster.settings(full_page_writes="off")
    try:
        bench.one("ours", (0, 0), accounts, 3, 10, 50)
        cluster.sql("DELETE FROM instagram_insights.sync_jobs")
        cluster.settle()
        log = Wal(cluster)
        result = bench.side("ours").run(accounts, 3, 10, 50)
        written, sums = log.written(), log.by_relation()
        insights = sum(size for name, size in sums.items() if name.startswith("insights"))
        answered = cluster.sql("SELECT sum(rows_unchanged), sum(rows_inserted + rows_updated) FROM "
                               "instagram_insights.sync_log WHERE started_at > (SELECT min(queued_at) FROM "
                               "instagram_insights.sync_jobs)")[0]
        if answered != (accounts * 12, 0):
            raise RuntimeError(f"rows unchanged and changed by the second sync: {answered}")
    finally:
        cluster.settings(full_page_writes="on")
    title = "a sync that changes nothing"
    bench.report.target(f"{title}: 0 bytes of write-ahead log about insights", insights, 0)
    bench.report.target(f"{title}: at most 2500 bytes an account in all", written / accounts, 2500)
    bench.report.note(f"{title}: {result.per_account('calls'):.3g} calls an account; bytes: {largest(sums)}")
    bench.report.progress(f"{title}: {written / accounts:.0f} bytes an account, {insights} about insights")


def statistics(bench):
    """Tables that were analysed while empty must not mislead the planner, as on the first day of a year's partition."""
    accounts, walls = bench.size(3000, 2000), []
    for analysed in (False, True):
        bench.one("ours", (0, 0), 200, 1, 10, 50)
        bench.cluster.forget(accounts, analysed)
        walls.append(bench.side("ours").run(accounts, 1, 10, 50)["wall"] / 1000)
        bench.report.progress(f"{accounts} accounts, tables {'analysed while empty' if analysed else 'new'}: "
                              f"{walls[-1]:.3f} s")
    bench.report.target("tables analysed while empty: wall time at most 1.5 x that with new tables",
                        walls[1] / walls[0], 1.5)


def snapshot(bench):
    """How long the worker holds a snapshot: what it holds back cleaning."""
    accounts = bench.size(10000, 2000)
    for batch in (1, 50):
        bench.one("ours", (20, 0), 200, 1, 25, batch)
        bench.cluster.forget(accounts)
        bench.load.configure((20, 0))
        with oldest_snapshot(bench.cluster, bench.cluster.worker()) as oldest:
            bench.side("ours").run(accounts, 1, 25, batch, samples=False)
        title = f"oldest snapshot of the worker, {accounts} accounts, 20 ms, batch {batch}"
        bench.report.note(f"{title}: {oldest.largest:.0f} ms")
        bench.report.progress(f"{title}: {oldest.largest:.0f} ms")


def fill_queue(bench, jobs):
    """A fresh worker meets a long queue; returns its process id."""
    cluster = bench.cluster
    cluster.settings(enabled="off")
    cluster.sql("TRUNCATE instagram_insights.sync_jobs")
    cluster.sql(QUEUE, (jobs // bench.accounts_in_queue,))
    cluster.settle("instagram_insights.sync_jobs")
    old = cluster.worker()
    cluster.sql("SELECT pg_terminate_backend(leader_pid) FROM instagram_insights.worker_state")
    wait_until(lambda: not cluster.sql("SELECT FROM pg_stat_activity WHERE pid = %s", (old,)), "the worker to end", 60)
    cluster.settings(enabled="on")
    wait_until(lambda: cluster.sql("SHOW instagram_insights.enabled")[0][0] == "on", "the setting", 60)
    cluster.sql("SELECT instagram_insights.ig_wake_worker()")
    wait_until(lambda: cluster.worker() not in (None, old), "a new worker", 60)
    return cluster.worker()


def finished(bench, jobs):
    """Whether so many jobs ended."""
    return bench.cluster.sql("SELECT count(*) >= %s FROM (SELECT FROM instagram_insights.sync_jobs "
                             "WHERE finished_at IS NOT NULL LIMIT %s) ended", (jobs, jobs))[0][0]


def empty_queue(bench):
    """Stops the work and takes the rest away."""
    cluster = bench.cluster
    cluster.settings(enabled="off")
    wait_until(lambda: cluster.sql("SHOW instagram_insights.enabled")[0][0] == "off", "the setting", 60)
    cluster.sql("TRUNCATE instagram_insights.sync_jobs")
    cluster.settings(enabled="on")


def memory(bench):
    """Memory of the worker does not grow with the queue."""
    bench.accounts_in_queue = 10000
    peaks = []
    for jobs in (10000, 1000000):
        bench.cluster.forget(10000)
        bench.load.configure((0, 0))
        bench.side("ours").configure(1, 50, 50)
        worker = fill_queue(bench, jobs)
        with anonymous_memory(worker) as sampled:
            wait_until(lambda: finished(bench, 6000), "6,000 jobs", 300)
        peaks.append(sampled.largest / 1024)
        empty_queue(bench)
        bench.report.progress(f"memory: {peaks[-1]:.1f} MB with {jobs} jobs queued")
        bench.report.target(f"RssAnon of the worker under 60 MB with {jobs} jobs queued", peaks[-1], 60)
    bench.report.target("RssAnon with the long queue against the short one", peaks[1] / peaks[0], 1.1)


def claim(bench):
    """The plan by which the worker takes work, read off its own statements by auto_explain."""
    cluster = bench.cluster
    bench.stop_sides()
    cluster.stop()
    cluster.start("instagram_insights, auto_explain")
    cluster.connect_accounts(1000)
    cluster.settings(auto_explain__log_analyze="on", auto_explain__log_buffers="on", auto_explain__log_min_duration="0")
    bench.accounts_in_queue = 1000
    bench.side("ours").configure(1, 10, 50)
    bench.load.configure((20, 0))
    bench.side("ours").run(1000, 1, 10, 50, samples=False)
    for jobs in (1000, 1000000):
        log = cluster.base / "server.log"
        known = log.stat().st_size
        fill_queue(bench, jobs)
        wait_until(lambda: finished(bench, 200), "200 jobs", 120)
        empty_queue(bench)
        with open(log, encoding="utf8", errors="replace") as file:
            file.seek(known)
            entries = re.split(r"\n(?=\d{4}-\d\d-\d\d )", file.read())
        claims = [entry for entry in entries if "SKIP LOCKED" in entry and "sync_jobs" in entry and " plan:" in entry]
        times = [float(re.search(r"duration: ([0-9.]+) ms", entry).group(1)) for entry in claims]
        if not claims:
            raise RuntimeError("the log has no claim; was the statement renamed?")
        plan = claims[times.index(max(times))].split(" plan:", 1)[1]
        plan = re.sub(r"\n\t?", "\n", plan[plan.index("\n", plan.index("Query Text")):])
        # Only the tree: the statement itself stands in the sources.
        tree = plan[re.search(r"\n\S.*\(cost=", plan).start():]
        bench.report.note(f"claim with {jobs} jobs waiting: {len(claims)} statements, the slowest {max(times):.2f} ms",
                          tree.strip())
        bench.report.progress(f"claim with {jobs} jobs waiting: slowest {max(times):.2f} ms")
