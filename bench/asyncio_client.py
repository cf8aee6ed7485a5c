#!/usr/bin/python3
# What a good asyncio program does: aiohttp, 100 requests at once, rows stored by execute_values in a thread.
# A line "run ACCOUNTS DAYS AT_ONCE" on standard input is answered by a line of JSON, as bench_floor does.
import asyncio
import json
import ssl
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import aiohttp
import psycopg2
from psycopg2.extras import execute_values

from harness.client import INSERT, arguments, cpu_ms, read_accounts, urls_of, windows

ENOUGH = 2000


def rows_of(account, number, days, answer):
    """The rows in the answer to call `number` of an account."""
    user, account_id, _ = account
    rows = []
    for result in answer["data"]:
        if number == 0:
            for point in result["values"]:
                rows.append((user, account_id, result["name"], "day", point["end_time"], point["value"]))
        else:
            end = days[number - 1][2]
            rows.append((user, account_id, result["name"], "day", end, result["total_value"]["value"]))
    return rows


async def run(session, database, pool, options, accounts, days, at_once):
    """Fetches and stores everything; returns how many calls were made and rows stored."""
    loop = asyncio.get_running_loop()
    work = iter([(account, number, url) for account in accounts
                 for number, url in enumerate(urls_of(options.url, account[1], days))])
    gathered, stores = [], []
    calls = stored = 0

    def store(rows):
        with database.cursor() as cursor:
            execute_values(cursor, INSERT, rows, page_size=ENOUGH)
        database.commit()

    async def fetch():
        nonlocal calls, stored, gathered
        for account, number, url in work:
            async with session.get(url, headers={"Authorization": "Bearer " + account[2]}) as response:
                response.raise_for_status()
                gathered += rows_of(account, number, days, await response.json())
            calls += 1
            if len(gathered) >= ENOUGH:
                rows, gathered = gathered, []
                stored += len(rows)
                stores.append(loop.run_in_executor(pool, store, rows))

    await asyncio.gather(*[fetch() for _ in range(at_once)])
    if gathered:
        stored += len(gathered)
        stores.append(loop.run_in_executor(pool, store, gathered))
    await asyncio.gather(*stores)
    return calls, stored


async def main():
    """Keeps session and connection from run to run."""
    options = arguments()
    accounts = read_accounts(options.accounts)
    database = psycopg2.connect(options.database)
    context = ssl.create_default_context(cafile=options.ca)
    pool = ThreadPoolExecutor(1)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context, limit=0)) as session:
        for line in sys.stdin:
            count, day_count, at_once = (int(word) for word in line.split()[1:4])
            own, server, start = cpu_ms("self"), cpu_ms(database.info.backend_pid), time.monotonic()
            calls, stored = await run(session, database, pool, options, accounts[:count], windows(day_count), at_once)
            print(json.dumps({
                "wall_ms": (time.monotonic() - start) * 1000, "client_cpu_ms": cpu_ms("self") - own,
                "server_cpu_ms": cpu_ms(database.info.backend_pid) - server, "rows": stored, "http_requests": calls,
                "api_calls": calls, "peak_kb": 0}), flush=True)


asyncio.run(main())
