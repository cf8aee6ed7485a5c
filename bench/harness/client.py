# What both Python competitors share: their arguments, the windows of the days, the URLs, and the CPU of a process.
import argparse
import datetime
import glob
from zoneinfo import ZoneInfo

PACIFIC = ZoneInfo("America/Los_Angeles")
INSERT = """INSERT INTO floor.insights AS i (user_id, account_id, metric, period, end_time, value) VALUES %s
ON CONFLICT (user_id, account_id, metric, period, end_time)
DO UPDATE SET value = EXCLUDED.value, retrieved_at = now() WHERE i.value IS DISTINCT FROM EXCLUDED.value"""


def arguments():
    """--url, --ca, --accounts and --database, as bench_floor takes them."""
    parser = argparse.ArgumentParser()
    for name in ("--url", "--ca", "--accounts", "--database"):
        parser.add_argument(name, required=True)
    return parser.parse_args()


def read_accounts(file):
    """Lines of user, account and token."""
    with open(file, encoding="ascii") as lines:
        return [tuple(line.split()) for line in lines]


def windows(day_count):
    """(since, until, end_time) of the last complete US Pacific days, newest first."""
    today = datetime.datetime.now(PACIFIC).replace(hour=0, minute=0, second=0, microsecond=0)
    bounds = [today.replace(tzinfo=None) - datetime.timedelta(days=back) for back in range(day_count + 1)]
    bounds = [bound.replace(tzinfo=PACIFIC) for bound in bounds]
    return [(int(start.timestamp()), int(end.timestamp()), end.isoformat())
            for end, start in zip(bounds, bounds[1:])]


def urls_of(base, account_id, days):
    """The calls of one account: one series of all days, then the totals of each day."""
    start = f"{base}/v25.0/{account_id}/insights?metric="
    yield f"{start}reach,follower_count&period=day&since={days[-1][0]}&until={days[0][1]}"
    for since, until, _ in days:
        yield f"{start}profile_views,accounts_engaged&period=day&metric_type=total_value&since={since}&until={until}"


def cpu_ms(pid):
    """Milliseconds on a processor, as the kernel counts them, of all threads of a process."""
    total = 0
    for file in glob.glob(f"/proc/{pid}/task/*/schedstat"):
        with open(file, encoding="ascii") as numbers:
            total += int(numbers.read().split()[0])
    return total / 1e6
