# The throw-away cluster the bench runs in, the load server beside it, and the accounts in both.
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import urllib.request

import psycopg2

SETTINGS = """
listen_addresses = ''
unix_socket_directories = '{run}'
shared_preload_libraries = '{libraries}'
max_worker_processes = 20
max_connections = 50
shared_buffers = 1GB
max_wal_size = 4GB
checkpoint_timeout = 15min
fsync = on
synchronous_commit = on
full_page_writes = on
wal_level = replica
autovacuum = on
jit = off
instagram_insights.idle_timeout = -1
instagram_insights.ca_file = '{ca}'
instagram_insights.graph_url = '{url}'
instagram_insights.instagram_graph_url = '{url}'
"""
# The same table: partitions, keys and foreign keys. What the floor does without is row level security.
FLOOR_TABLE = """
CREATE SCHEMA floor;
CREATE TABLE floor.insights (LIKE instagram_insights.insights INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING STORAGE,
    PRIMARY KEY (user_id, account_id, metric, period, end_time),
    FOREIGN KEY (user_id, account_id) REFERENCES instagram_insights.accounts (user_id, account_id) ON DELETE CASCADE,
    FOREIGN KEY (metric) REFERENCES instagram_insights.metrics (name)) PARTITION BY RANGE (end_time);
DO $$
DECLARE
    part record;
BEGIN
    FOR part IN SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) AS bound FROM pg_class c JOIN pg_inherits h ON h.inhrelid = c.oid
                WHERE h.inhparent = 'instagram_insights.insights'::regclass
    LOOP
        EXECUTE format('CREATE TABLE floor.%I PARTITION OF floor.insights %s', part.relname, part.bound);
    END LOOP;
END $$;
"""


def server_user():
    """Servers refuse root."""
    return "postgres" if os.geteuid() == 0 else os.environ.get("USER") or str(os.geteuid())


def as_server_user(*command):
    """The command, run as the user the server runs as."""
    return (["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []) + [str(word) for word in command]


class LoadServer:
    """The double of the Graph API, and its control port."""

    def __init__(self, program, folder):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        ports = folder / "ports.json"
        ports.unlink(missing_ok=True)
        self.process = subprocess.Popen([program, "--dir", folder], stdin=subprocess.DEVNULL)
        while not ports.exists():
            if self.process.poll() is not None:
                raise RuntimeError("the load server did not start")
            time.sleep(0.01)
        self.ports = json.loads(ports.read_text())
        for entry in (folder, *folder.iterdir()):
            entry.chmod(entry.stat().st_mode | 0o055 if entry.is_dir() else 0o644)
        self.url = f"https://127.0.0.1:{self.ports['https']}"
        self.ca = folder / "ca.pem"

    def _control(self, path, post):
        request = urllib.request.Request(f"http://127.0.0.1:{self.ports['control']}{path}",
                                         method="POST" if post else "GET")
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read())

    def configure(self, latency):
        """Sets (milliseconds, sigma), and begins counting and the sequence of latencies anew."""
        self._control(f"/config?latency_ms={latency[0]}&sigma={latency[1]}", True)

    def stats(self):
        """HTTP requests, API calls, ..."""
        return self._control("/stats", False)

    def stop(self):
        """Ends it."""
        self.process.terminate()
        self.process.wait()


class Cluster:
    """A cluster with the staged extension, settings of a sane production machine, in memory if there is room."""

    def __init__(self, work, load):
        self.work, self.load = work, load
        self.bindir = pathlib.Path(subprocess.check_output(
            [os.environ.get("PG_CONFIG", "pg_config"), "--bindir"], text=True).strip())
        memory = pathlib.Path("/dev/shm")
        roomy = memory.is_dir() and shutil.disk_usage(memory).free > 6 << 30
        self.place = memory if roomy else work
        self.in_memory = roomy
        self.base = self.data = self.dsn = None
        self.accounts_file = work / "accounts"
        self.accounts = 0
        self.admin = None

    def _pg_ctl(self, *words):
        subprocess.run(as_server_user(self.bindir / "pg_ctl", "-D", self.data, "-w", *words), check=True, cwd="/",
                       stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)

    def start(self, libraries="instagram_insights"):
        """initdb, CREATE EXTENSION, the floor's table; what is equal for all sides is set here."""
        # A folder of its own, so that two benches of two trees do not meet.
        self.base = pathlib.Path(tempfile.mkdtemp(prefix="instagram_insights-bench-", dir=self.place))
        self.base.chmod(0o755)
        self.data = self.base / "cluster"
        self.dsn = f"host={self.base} user={server_user()} dbname=bench"
        if os.geteuid() == 0:
            shutil.chown(self.base, "postgres")
        subprocess.run(as_server_user(self.bindir / "initdb", "-D", self.data, "-U", server_user(), "-A", "trust", "-E",
                                      "UTF8", "--no-locale", "--no-sync"),
                       check=True, cwd="/", stdout=subprocess.DEVNULL)
        where = (self.work / "where.conf").read_text(encoding="utf8")
        with open(self.data / "postgresql.conf", "a", encoding="utf8") as conf:
            conf.write(where + SETTINGS.format(run=self.base, ca=self.load.ca, url=self.load.url, libraries=libraries))
        self._pg_ctl("-l", self.base / "server.log", "start")
        subprocess.run([self.bindir / "createdb", "-h", self.base, "-U", server_user(), "bench"], check=True)
        self.admin = self.connect()
        self.sql("CREATE EXTENSION instagram_insights")
        # The floor knows the days of four metrics, so ours asks for the same.
        self.sql("UPDATE instagram_insights.metrics SET enabled_by_default = false WHERE name = 'followers_count'")
        self.sql("UPDATE instagram_insights.metrics SET windows = '{}'")
        self.sql(FLOOR_TABLE)

    def stop(self):
        """Stops and removes it."""
        if self.admin is not None:
            self.admin.close()
            self.admin = None
        if self.base is None:
            return
        if (self.data / "postmaster.pid").exists():
            self._pg_ctl("-m", "fast", "stop")
        shutil.rmtree(self.base, ignore_errors=True)
        self.base = None

    def connect(self):
        """Another connection, each statement its own transaction."""
        connection = psycopg2.connect(self.dsn)
        connection.autocommit = True
        return connection

    def sql(self, statement, parameters=None):
        """Rows of a statement, if it has any."""
        with self.admin.cursor() as cursor:
            cursor.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []

    def settings(self, **values):
        """Settings of the product, or of the server with a dot in their name replaced by two underscores."""
        for name, value in values.items():
            known = name if name == "full_page_writes" or "__" in name else "instagram_insights." + name
            self.sql(f"ALTER SYSTEM SET {known.replace('__', '.')} = %s", (str(value),))
        self.sql("SELECT pg_reload_conf()")

    def connect_accounts(self, count):
        """One user for each account, by COPY into connect_inbox; the other sides read the same from a file."""
        lines = [(f"00000000-0000-4000-8000-{number:012d}", f"17841{number:012d}",
                  f"EAAbench{number:012d}" + "x" * 180) for number in range(1, count + 1)]
        self.accounts_file.write_text("".join("\t".join(line) + "\n" for line in lines), encoding="ascii")
        with self.admin.cursor() as cursor, open(self.accounts_file, encoding="ascii") as file:
            cursor.copy_expert("COPY instagram_insights.connect_inbox (user_id, account_id, access_token) FROM STDIN",
                               file)
        self.accounts = count
        self.sql("VACUUM (ANALYZE)")

    def forget(self, active, analysed=False):
        """As before the first sync: no numbers, jobs and log rows; only so many accounts take part."""
        self.sql("UPDATE instagram_insights.accounts SET metric_state = '{}', last_success_at = NULL, "
                 "last_error = NULL, hint = NULL, blocked_until = NULL, "
                 "status = CASE WHEN account_id <= %s THEN 'active' ELSE 'disconnected' END", (f"17841{active:012d}",))
        self.settle("instagram_insights.accounts, instagram_insights.credentials")
        # Last, so that nothing is known of their size: as in a new database. See the scenario statistics.
        self.sql("TRUNCATE instagram_insights.insights, instagram_insights.sync_jobs, instagram_insights.sync_log, "
                 "floor.insights")
        if analysed:
            self.sql("ANALYZE")
        self.sql("CHECKPOINT")

    def settle(self, tables=""):
        """Leaves no dirt of one run to be cleaned in the next."""
        self.sql("VACUUM (ANALYZE) " + tables)
        self.sql("CHECKPOINT")

    def worker(self):
        """Process id of the worker; it is there once it worked."""
        return self.sql("SELECT leader_pid FROM instagram_insights.worker_state")[0][0]
