#!/usr/bin/python3
# What an application without this extension does today: a call for each metric, one after the other, a row at a time.
# A line "run ACCOUNTS DAYS" on standard input is answered by a line of JSON, as bench_floor does. It is better than
# what it stands for: it keeps its connection, asks for the right window and stores totals too.
import http.client
import json
import ssl
import sys
import time
from urllib.parse import urlsplit

import psycopg2

from harness.client import arguments, cpu_ms, read_accounts, windows

INSERT = """INSERT INTO floor.insights AS i (user_id, account_id, metric, period, end_time, value)
VALUES (%s, %s, %s, 'day', %s, %s) ON CONFLICT (user_id, account_id, metric, period, end_time)
DO UPDATE SET value = EXCLUDED.value, retrieved_at = now()"""
METRICS = (("reach", False), ("follower_count", False), ("profile_views", True), ("accounts_engaged", True))


def get(connection, account, metric, total, since, until):
    """One call; returns its results."""
    path = f"/v25.0/{account[1]}/insights?metric={metric}&period=day&since={since}&until={until}"
    connection.request("GET", path + ("&metric_type=total_value" if total else ""),
                       headers={"Authorization": "Bearer " + account[2]})
    response = connection.getresponse()
    body = response.read()
    if response.status != 200:
        raise RuntimeError(f"HTTP status {response.status}")
    return json.loads(body)["data"]


def run(connection, database, accounts, days):
    """Fetches and stores everything; returns how many calls were made and rows stored."""
    calls = stored = 0
    cursor = database.cursor()
    for account in accounts:
        for metric, total in METRICS:
            spans = days if total else [(days[-1][0], days[0][1], None)]
            for since, until, end_time in spans:
                for result in get(connection, account, metric, total, since, until):
                    points = [(end_time, result["total_value"]["value"])] if total else \
                        [(point["end_time"], point["value"]) for point in result["values"]]
                    for end, value in points:
                        cursor.execute(INSERT, (account[0], account[1], metric, end, value))
                        stored += 1
                calls += 1
    return calls, stored


def main():
    """Keeps its connections from run to run."""
    options = arguments()
    accounts = read_accounts(options.accounts)
    database = psycopg2.connect(options.database)
    database.autocommit = True
    connection = http.client.HTTPSConnection(urlsplit(options.url).netloc,
                                             context=ssl.create_default_context(cafile=options.ca))
    for line in sys.stdin:
        count, day_count = (int(word) for word in line.split()[1:3])
        own, server, start = cpu_ms("self"), cpu_ms(database.info.backend_pid), time.monotonic()
        calls, stored = run(connection, database, accounts[:count], windows(day_count))
        print(json.dumps({
            "wall_ms": (time.monotonic() - start) * 1000, "client_cpu_ms": cpu_ms("self") - own,
            "server_cpu_ms": cpu_ms(database.info.backend_pid) - server, "rows": stored, "http_requests": calls,
            "api_calls": calls, "peak_kb": 0}), flush=True)


main()
