# What is measured beside the clock: memory of a process, the oldest snapshot it holds, write-ahead log.
import subprocess
import threading
import time

from harness.cluster import as_server_user


def status_kb(pid, name):
    """A line such as RssAnon of /proc/PID/status."""
    with open(f"/proc/{pid}/status", encoding="ascii") as lines:
        for line in lines:
            if line.startswith(name + ":"):
                return int(line.split()[1])
    return 0


class Sampler:
    """Calls a function again and again in a thread and keeps the largest answer."""

    def __init__(self, sample, interval):
        self.sample, self.interval, self.largest = sample, interval, 0
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        while not self.ended.is_set():
            try:
                self.largest = max(self.largest, self.sample())
            except (FileNotFoundError, ProcessLookupError):
                return
            self.ended.wait(self.interval)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()


def anonymous_memory(pid):
    """Samples RssAnon in kB."""
    return Sampler(lambda: status_kb(pid, "RssAnon"), 0.02)


def oldest_snapshot(cluster, pid):
    """Samples for how many milliseconds a snapshot or transaction of this process holds back cleaning."""
    connection = cluster.connect()
    cursor = connection.cursor()

    def sample():
        cursor.execute("SELECT COALESCE(max(EXTRACT(epoch FROM clock_timestamp() - xact_start) * 1000), 0)::float8 "
                       "FROM pg_stat_activity WHERE pid = %s AND (backend_xmin IS NOT NULL OR backend_xid IS NOT NULL)",
                       (pid,))
        return cursor.fetchone()[0]

    return Sampler(sample, 0.005)


class Wal:
    """Bytes of write-ahead log since it was made."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.start = self._position()

    def _position(self):
        return self.cluster.sql("SELECT pg_current_wal_insert_lsn()::text")[0][0]

    def written(self):
        """Bytes in all."""
        return int(self.cluster.sql("SELECT pg_wal_lsn_diff(%s, %s)", (self._position(), self.start))[0][0])

    def by_relation(self):
        """Bytes of records about each table or index of the product, largest first."""
        end = self._position()
        self.cluster.sql("SELECT pg_switch_wal()")  # so that all of it is in the files
        text = subprocess.run(as_server_user(self.cluster.bindir / "pg_waldump", "-p", self.cluster.data / "pg_wal",
                                             "-s", self.start, "-e", end),
                              check=True, cwd="/", text=True, stdout=subprocess.PIPE).stdout
        names = {str(row[0]): row[1] for row in self.cluster.sql(
            "SELECT pg_relation_filenode(c.oid), c.relname FROM pg_class c "
            "JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = 'instagram_insights' AND c.relkind IN ('r', 'i', 'S')")}
        sums = {}
        for line in text.splitlines():
            size = int(line.split("len (rec/tot):")[1].split(",")[0].split("/")[1])
            place = line.split(" rel ")[1].split()[0].split("/")[-1].rstrip(",;") if " rel " in line else ""
            name = names.get(place) or line.split("rmgr: ")[1].split()[0]
            sums[name] = sums.get(name, 0) + size
        return dict(sorted(sums.items(), key=lambda entry: -entry[1]))


def wait_until(condition, what, seconds=600, interval=0.02):
    """Waits for a condition, not for a time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError("waited too long for " + what)
        time.sleep(interval)
