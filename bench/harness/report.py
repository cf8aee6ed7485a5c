# Gathers figures while the bench runs, and writes them as one table for the terminal and for RESULTS.md.
import datetime
import os
import sys

import psycopg2

COLUMNS = ("scenario", "side", "latency", "at once", "batch", "accounts", "wall s", "accounts/s", "rows/s",
           "calls/account", "requests/account", "CPU s/1000", "peak MB", "wall x floor", "CPU x floor",
           "API us/call")


class Report:
    """Rows of the table, targets and notes, in the order they came."""

    def __init__(self):
        self.rows, self.targets, self.notes = [], [], []
        self.load_before = os.getloadavg()[0]
        if self.load_before > 0.5:
            self.progress(f"others use this machine (load {self.load_before:.1f}): wall times will tell little")

    def progress(self, text):
        """A line for whoever watches."""
        print("  " + text, file=sys.stderr, flush=True)

    def row(self, values):
        """A line of the table."""
        self.rows.append(values)

    def target(self, text, measured, bound, least=False):
        """A promise, and whether it is kept."""
        self.targets.append((text, measured, measured >= bound if least else measured <= bound))

    def note(self, text, block=None):
        """A figure without a bound."""
        self.notes.append((text, block))

    def _lines(self, table):
        widths = [max(len(str(line[i])) for line in table) for i in range(len(table[0]))]
        for number, line in enumerate(table):
            yield "| " + " | ".join(str(value).ljust(width) for value, width in zip(line, widths)) + " |"
            if number == 0:
                yield "|" + "|".join("-" * (width + 2) for width in widths) + "|"

    def tables(self):
        """The text of everything measured."""
        lines = []
        if self.rows:
            table = [COLUMNS] + [[row[name] for name in COLUMNS] for row in self.rows]
            lines += ["## Speed", "", *self._lines(table), ""]
        if self.targets:
            marked = [("target", "measured", "")]
            marked += [(text, f"{measured:.4g}", "met" if met else "**not met**")
                       for text, measured, met in self.targets]
            lines += ["## Targets", "", *self._lines(marked), ""]
        if self.notes:
            lines += ["## Notes", ""]
            for text, block in self.notes:
                lines += ["- " + text]
                if block:
                    lines += ["", "  ```", *["  " + line for line in block.splitlines()], "  ```", ""]
        return "\n".join(lines) + "\n"

    def write(self, path, cluster, options):
        """RESULTS.md: no names of machines or folders."""
        with open("/proc/meminfo", encoding="ascii") as meminfo:
            memory = round(int(meminfo.readline().split()[1]) / (1 << 20))
        server = cluster.sql("SHOW server_version")[0][0].split()[0]
        product = cluster.sql("SELECT extversion FROM pg_extension WHERE extname = 'instagram_insights'")[0][0]
        head = f"""# Results of the bench

Made by `bench/run{' --quick' if options.quick else ''}` on {datetime.date.today().isoformat()}.
[README.md](README.md) says what each row means. Medians of {options.runs} runs,
in brackets the least and the most; sides take turns within a run.

| | |
|---|---|
| machine | {os.cpu_count()} cores, {memory} GB of memory, shared by client, server and load server |
| load before the bench | {self.load_before:.1f}: what others used of the cores; of {os.cpu_count()} |
| versions | instagram_insights {product}, PostgreSQL {server}, Python {sys.version.split()[0]}, psycopg2 \
{psycopg2.__version__.split()[0]} |
| cluster | fsync, synchronous_commit, autovacuum and full_page_writes on, data \
{'in memory' if cluster.in_memory else 'on disk'} |

"""
        path.write_text(head + self.tables(), encoding="utf8")
