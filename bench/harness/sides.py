# The competitors. Each run() does the same work on empty tables and tells what it took.
import json
import pathlib
import statistics
import subprocess
import time

from harness.client import cpu_ms
from harness.probes import anonymous_memory, status_kb, wait_until

BENCH = pathlib.Path(__file__).resolve().parent.parent
LIVE = "'queued', 'running', 'waiting'"


class Result(dict):
    """Figures of one run; times in milliseconds."""

    def per_account(self, name):
        """A count for each account."""
        return self[name] / self["accounts"]


class Program:
    """A side that is a program of its own, told by lines on its standard input."""

    def __init__(self, name, command, cluster, load):
        self.name, self.cluster, self.load = name, cluster, load
        self.process = subprocess.Popen(
            [*command, "--url", load.url, "--ca", str(load.ca), "--accounts", str(cluster.accounts_file), "--database",
             cluster.dsn], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, accounts, days, at_once, batch):
        """One run; the tables must be empty."""
        before = self.load.stats()
        self.process.stdin.write(f"run {accounts} {days} {at_once} {batch}\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name} ended")
        answer = json.loads(line)
        after = self.load.stats()
        return Result(wall=answer["wall_ms"], cpu=answer["client_cpu_ms"] + answer["server_cpu_ms"],
                      rows=answer["rows"], accounts=accounts, calls=after["api_calls"] - before["api_calls"],
                      requests=after["http_requests"] - before["http_requests"], peak_kb=answer["peak_kb"])

    def content(self):
        """What is stored, to be compared with others'."""
        return self.cluster.sql("SELECT count(*), sum(value), max(end_time) FROM floor.insights")[0]

    def stop(self):
        """Ends it."""
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass  # it ended by itself, and its last answer told why
        self.process.wait()


class Ours:
    """The extension: ig_sync_all(), and the worker does the rest."""

    name = "ours"

    def __init__(self, cluster, load):
        self.cluster, self.load = cluster, load
        self.connection = cluster.connect()
        self.set = None

    def configure(self, days, at_once, batch):
        """Has the settings read anew; the warm-up that follows sees to it that the worker did."""
        wanted = {"first_sync_days": days, "max_in_flight": at_once, "batch_size": batch}
        if wanted == self.set:
            return
        self.cluster.settings(**wanted)
        self.set = wanted

    def run(self, accounts, days, at_once, batch, samples=True):
        """One run of a daily sync of all active accounts."""
        self.configure(days, at_once, batch)
        worker, enqueuing = self.cluster.worker(), self.connection.info.backend_pid
        before = self.load.stats()
        cpu = (cpu_ms(worker) if worker else 0) + cpu_ms(enqueuing)
        if worker and samples:
            with anonymous_memory(worker) as memory:
                start, end = self._sync()
        else:
            memory, (start, end) = None, self._sync()
        worker_now = self.cluster.worker()
        if worker and worker_now != worker:
            raise RuntimeError("the worker was replaced in the middle of a run; see the server's log")
        cpu = cpu_ms(worker_now) + cpu_ms(enqueuing) - cpu
        after = self.load.stats()
        rows = self.cluster.sql("SELECT count(*) FROM instagram_insights.insights")[0][0]
        return Result(wall=(end - start) * 1000, cpu=cpu, rows=rows, accounts=accounts,
                      calls=after["api_calls"] - before["api_calls"],
                      requests=after["http_requests"] - before["http_requests"],
                      peak_kb=status_kb(worker_now, "VmHWM"), anon_kb=memory.largest if memory else 0)

    def _sync(self):
        with self.connection.cursor() as cursor:
            start = time.time()
            cursor.execute("SELECT instagram_insights.ig_sync_all('bench')")
        wait_until(lambda: not self.cluster.sql(
            f"SELECT EXISTS (SELECT FROM instagram_insights.sync_jobs WHERE state = ANY (ARRAY[{LIVE}]))")[0][0],
                   "the jobs to end", 900)
        end, odd = self.cluster.sql(
            "SELECT EXTRACT(epoch FROM max(finished_at))::float8, count(*) FILTER (WHERE state <> 'succeeded') "
            "FROM instagram_insights.sync_jobs")[0]
        if odd:
            raise RuntimeError("jobs did not succeed: " + str(self.cluster.sql(
                "SELECT state, error, count(*) FROM instagram_insights.sync_jobs GROUP BY 1, 2 LIMIT 3")))
        return start, end

    def content(self):
        """What is stored, to be compared with others'."""
        return self.cluster.sql("SELECT count(*), sum(value), max(end_time) FROM instagram_insights.insights")[0]

    def stop(self):
        """Nothing to end: the worker belongs to the cluster."""
        self.connection.close()


def all_sides(cluster, load, programs):
    """The four of them, started when they are first asked for."""
    return {
        "ours": lambda: Ours(cluster, load),
        "floor": lambda: Program("floor", [str(programs / "bench_floor")], cluster, load),
        "asyncio": lambda: Program("asyncio", [str(BENCH / "asyncio_client.py")], cluster, load),
        "sequential": lambda: Program("sequential", [str(BENCH / "sequential_client.py")], cluster, load),
    }


def spread(results, name):
    """(median, least, most) of one figure."""
    values = [result[name] for result in results]
    return statistics.median(values), min(values), max(values)
