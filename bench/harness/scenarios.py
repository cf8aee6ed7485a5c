# Speed: what is compared with the other sides. Concurrency is chosen so that the network is the bound, but at 0 ms.
LOG_NORMAL = (100, 0.7)


def percall_150(bench):
    """Each call a request, 150 ms."""
    title = "per call, 150 ms"
    medians = bench.compare(title, (150, 0), bench.size(2000, 1000), 1, 200, 1)
    bench.against_floor(title, medians, 1.1)


def percall_20(bench):
    """Each call a request, 20 ms."""
    title = "per call, 20 ms"
    medians = bench.compare(title, (20, 0), bench.size(1000, 500), 1, 25, 1)
    bench.against_floor(title, medians, 1.25)


def percall_0(bench):
    """Each call a request, no latency: the CPU is the bound."""
    title = "per call, 0 ms"
    medians = bench.compare(title, (0, 0), bench.size(3000, 1000), 1, 50, 1, ("floor", "ours", "asyncio"))
    bench.against_floor(title, medians, 1.5)
    bench.report.target(f"{title}: at least 3 x as fast as asyncio",
                        medians["asyncio"]["wall"] / medians["ours"]["wall"], 3, least=True)


def percall_lognormal(bench):
    """Each call a request; some answers take very long, and nobody may wait for them."""
    title = "per call, log-normal"
    medians = bench.compare(title, LOG_NORMAL, bench.size(2000, 1000), 1, 100, 1)
    bench.against_floor(title, medians, 1.1)


def batch_150(bench):
    """50 calls a request, 150 ms."""
    title = "batch, 150 ms"
    medians = bench.compare(title, (150, 0), bench.size(10000, 5000), 1, 10, 50)
    bench.against_floor(title, medians, 1.1)


def batch_20(bench):
    """50 calls a request, 20 ms."""
    title = "batch, 20 ms"
    medians = bench.compare(title, (20, 0), bench.size(2000, 1000), 1, 2, 50)
    bench.against_floor(title, medians, 1.25)


def batch_20_wide(bench):
    """The same with more at once than the CPU can follow: nobody's target, but good to know."""
    bench.compare("batch, 20 ms, CPU-bound", (20, 0), bench.size(5000, 2500), 1, 50, 50)


def batch_0(bench):
    """50 calls a request, no latency; asyncio makes single calls, as it would."""
    title = "batch, 0 ms"
    medians = bench.compare(title, (0, 0), bench.size(5000, 2000), 1, 10, 50, ("floor", "ours", "asyncio"))
    bench.against_floor(title, medians, 2.0)
    bench.report.target(f"{title}: at least 3 x as fast as asyncio",
                        medians["asyncio"]["wall"] / medians["ours"]["wall"], 3, least=True)


def batch_lognormal(bench):
    """50 calls a request; some answers take very long."""
    title = "batch, log-normal"
    medians = bench.compare(title, LOG_NORMAL, bench.size(5000, 2500), 1, 10, 50)
    bench.against_floor(title, medians, 1.1)


def sequential(bench):
    """1,000 accounts against what applications do today; that is measured on some accounts and scaled."""
    title = "1,000 accounts, 150 ms"
    medians = bench.compare(title, (150, 0), 1000, 1, 200, 50, ("floor", "ours", "asyncio", "sequential"),
                            {"sequential": bench.size(20, 5)})
    bench.report.target(f"{title}, batch: at least 1000 x as fast as sequential calls",
                        medians["sequential"]["wall"] / medians["ours"]["wall"], 1000, least=True)


def accounts_10000(bench):
    """10,000 accounts, no latency, queue, RLS, sealed tokens and log rows on."""
    title = "10,000 accounts, 0 ms"
    medians = bench.compare(title, (0, 0), 10000, 1, 10, 50)
    bench.against_floor(title, medians, 2.0)
    bench.report.target(f"{title}: at least 3000 accounts/s", 10000 / medians["ours"]["wall"], 3000, least=True)


def backfill_150(bench):
    """29 days for 1,000 accounts: 30,000 calls in 600 requests."""
    title = "back-fill of 29 days, batch, 150 ms"
    medians = bench.compare(title, (150, 0), 1000, 29, 10, 50)
    bench.against_floor(title, medians, 1.1)


def backfill_0(bench):
    """The same without latency."""
    title = "back-fill of 29 days, batch, 0 ms"
    medians = bench.compare(title, (0, 0), 1000, 29, 10, 50)
    bench.against_floor(title, medians, 2.0)


def backfill_percall(bench):
    """The same, each call a request."""
    title = "back-fill of 29 days, per call, 150 ms"
    medians = bench.compare(title, (150, 0), bench.size(1000, 100), 29, 200, 1)
    bench.against_floor(title, medians, 1.1)
