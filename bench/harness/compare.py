# Lets sides do the same work by turns, checks that they stored the same, and adds their figures to the report.
from harness.client import cpu_ms
from harness.sides import all_sides, spread


def peak(runs):
    """The most memory a process had; of the worker also what was its own and not shared."""
    if not runs[0]["peak_kb"]:
        return ""
    text = f"{max(run['peak_kb'] for run in runs) / 1024:.0f}"
    return text + f" ({max(run['anon_kb'] for run in runs) / 1024:.0f})" if "anon_kb" in runs[0] else text


class Bench:
    """What all scenarios share."""

    def __init__(self, cluster, load, programs, report, runs, quick):
        self.cluster, self.load, self.report, self.runs, self.quick = cluster, load, report, runs, quick
        self._make = all_sides(cluster, load, programs)
        self._sides = {}

    def size(self, full, quick):
        """Accounts of a scenario."""
        return quick if self.quick else full

    def side(self, name):
        """A side, started once."""
        if name not in self._sides:
            self._sides[name] = self._make[name]()
        return self._sides[name]

    def stop_sides(self):
        """Ends them all, so that the cluster can be stopped."""
        for side in self._sides.values():
            side.stop()
        self._sides = {}

    def one(self, name, latency, accounts, days, at_once, batch):
        """One run of one side, from nothing."""
        side = self.side(name)
        if name == "ours":
            side.configure(days, at_once, batch)
        self.cluster.forget(accounts)
        self.load.configure(latency)
        served = cpu_ms(self.load.process.pid)
        result = side.run(accounts, days, at_once, batch)
        result["api_us"] = (cpu_ms(self.load.process.pid) - served) * 1000 / result["calls"]
        expected = accounts * 4 * days
        if result["rows"] != expected:
            raise RuntimeError(f"{name} stored {result['rows']} rows, not {expected}")
        return result, side.content()

    def compare(self, title, latency, accounts, days, at_once, batch, sides=("floor", "ours"), samples=None):
        """Medians by side. `samples`: sides that do only so many accounts; their figures are scaled."""
        samples = samples or {}
        results = {name: [] for name in sides}
        # Enough for every connection to be open.
        warm = min(accounts, max(20, 2 * at_once * batch // (days + 1)))
        for name in sides:
            self.report.progress(f"{title}: warming {name} up")
            self.one(name, (0, 0), min(warm, samples.get(name, warm)), days, at_once, batch)
        for turn in range(self.runs):
            contents = {}
            for name in sides:
                count = samples.get(name, accounts)
                result, content = self.one(name, latency, count, days, 100 if name == "asyncio" else at_once, batch)
                results[name].append(result)
                if count == accounts:
                    contents[name] = content
                self.report.progress(f"{title}: run {turn + 1}, {name} {result['wall'] / 1000:.3f} s, "
                                     f"CPU {result['cpu'] / 1000:.3f} s for {count} accounts")
            if len(set(contents.values())) > 1:
                raise RuntimeError(f"the sides stored different numbers: {contents}")
        return self._add(title, latency, accounts, at_once, batch, results)

    def _add(self, title, latency, accounts, at_once, batch, results):
        medians = {}
        for name, runs in results.items():
            scale = accounts / runs[0]["accounts"]
            wall, least, most = (value * scale / 1000 for value in spread(runs, "wall"))
            cpu = spread(runs, "cpu")[0] * scale / 1000
            medians[name] = {"wall": wall, "cpu": cpu}
            floor = medians.get("floor")
            self.report.row({
                "scenario": title, "side": name + (f" (from {runs[0]['accounts']})" if scale != 1 else ""),
                "latency": f"{latency[0]:g} ms" + (f", sigma {latency[1]:g}" if latency[1] else ""),
                "at once": {"asyncio": 100, "sequential": 1}.get(name, at_once),
                "batch": batch if name in ("ours", "floor") else 1, "accounts": accounts,
                "wall s": f"{wall:.3f} ({least:.3f}-{most:.3f})", "accounts/s": f"{accounts / wall:.0f}",
                "rows/s": f"{spread(runs, 'rows')[0] * scale / wall:.0f}",
                "calls/account": f"{runs[0].per_account('calls'):.3g}",
                "requests/account": f"{runs[0].per_account('requests'):.3g}",
                "CPU s/1000": f"{cpu / accounts * 1000:.3f}",
                "peak MB": peak(runs),
                "wall x floor": f"{wall / floor['wall']:.2f}" if floor and name != "floor" else "",
                "CPU x floor": f"{cpu / floor['cpu']:.2f}" if floor and name != "floor" else "",
                "API us/call": f"{spread(runs, 'api_us')[0]:.1f}"})
        return medians

    def against_floor(self, title, medians, most_wall, most_cpu=3.0):
        """The two targets that most scenarios have."""
        ours, floor = medians["ours"], medians["floor"]
        self.report.target(f"{title}: wall time at most {most_wall:g} x the floor's", ours["wall"] / floor["wall"],
                           most_wall)
        self.report.target(f"{title}: CPU at most {most_cpu:g} x the floor's", ours["cpu"] / floor["cpu"], most_cpu)
