"""Jobs at full size beside Klaviyo's own SDK used in the plain way. `make bench-jobs`; some 20 minutes.

A million events and a million profiles from a CSV, and a million events out again, each by `klaviyo-mcp` and by a loop
over the SDK, on the same file and against the same stub, each under a key of its own. The stub answers as fast as it
can and keeps the limits that Klaviyo documents, in fixed windows; `jobs_stub.py`. Then what durability costs, how fast
rows are checked, and what a start pays for jobs. `BENCH_ROWS` makes it small, `BENCH_PARTS=events,check` leaves out
all parts but these (see PARTS). Each part prints its figures when it has them; one that fails is told, and the others
follow. Memory is the most that a process had resident; processor time counts all that it did, so that others on the
machine matter less.

The share of the limits is the shortest time in which they let so many requests through, from the first to the last,
over the time that was taken: 150 in each minute that was begun, 10 in each second of the last. A million events are
1,000 requests and take 369 s at least. A million profiles are 100, fewer than a minute takes: the burst of 10 a second
is the limit then, which nobody reaches who has to write 10,000 profiles for each of them.
"""

import io
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Any

import jobs_check
import jobs_durability
from goals import mark
from jobs_files import write
from jobs_stub import LIMITS
from processes import clean_environment, free_port, listening, peak, resident
from run import start_once

HERE = Path(__file__).parent
ROWS = int(os.environ.get("BENCH_ROWS", "1000000"))
EVENTS = ["--option", "metric=Placed Order", "--option", "backfill=true"]
KINDS = {"events": ("bulk_create_events", 1_000, EVENTS), "profiles": ("bulk_import_profiles", 10_000, [])}
"""By kind the operation, the rows that a request takes at most, and options of the command."""
ENOUGH, LONG = 300_000, 500_000
"""Rows from which shares say something, and from which both run at the same time, as it would take too long else."""
LONGEST = 1_800.0
"""Seconds after which a process is ended that does not end by itself."""
MOST_MEMORY, SHARE, GROWTH = 200.0, 0.95, 0.05
OURS, SDK = "klaviyo-mcp", "SDK"


@dataclass
class Measured:
    """A process that has ended: seconds in all and of a processor, most memory in MB, and samples of it over time."""

    began: float
    seconds: float = 0.0
    processor: float = 0.0
    memory: float = 0.0
    samples: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])

    def grown(self, since: float) -> float:
        """How much the most memory of the second half of the time since then is above that of the first."""
        later = [(at, used) for at, used in self.samples if at >= since]
        middle = (since + self.began + self.seconds) / 2
        first = max((used for at, used in later if at < middle), default=0.0)
        return max((used for at, used in later if at >= middle), default=first) / first - 1 if first else 0.0


def main() -> None:
    began, load = time.time(), os.getloadavg()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # into a file, too
    if ROWS < ENOUGH:
        print(f"\nA try: with fewer than {ENOUGH:,} rows shares of the limits say little.")
    print(f"\nJobs: {ROWS:,} rows; Python {sys.version.split()[0]}, {os.cpu_count()} cores, load average {load[0]:.1f}")
    wanted = os.environ.get("BENCH_PARTS", ",".join(PARTS)).split(",")
    if unknown := [name for name in wanted if name not in PARTS]:
        raise SystemExit(f"There is no part {', '.join(unknown)}; there are {', '.join(PARTS)}.")
    failed: list[str] = []
    for name in wanted:
        since = time.time()
        try:
            PARTS[name]()
        except (Exception, SystemExit) as error:  # noqa: BLE001 - what was measured before, and comes after, counts
            failed.append(name)
            print(f"\n{name} FAILED: {error or type(error).__name__}", flush=True)
        print(f"({name}: {time.time() - since:.0f} s)", flush=True)
    print(f"\n{time.time() - began:.0f} s in all; load average {os.getloadavg()[0]:.1f} at the end. Goals: 95 % of the")
    print("limits, memory under 200 MB and flat, 30,000 rows a second checked, a start that pays nothing for jobs.")
    if failed:
        raise SystemExit(f"Failed: {', '.join(failed)}.")


def importing(kind: str) -> None:
    """One file by both."""
    with tempfile.TemporaryDirectory() as folder, stub() as url:
        imported(kind, write(Path(folder) / f"{kind}.csv", kind, ROWS), url, Path(folder))


def imported(kind: str, file: Path, url: str, home: Path) -> None:
    """At the same time where it takes long and the limits leave them most of it to wait, else one after the other."""
    operation, size, options = KINDS[kind]
    command = ours("import", kind, str(file), *options, "--yes", "--report", str(home / "report"))
    commands = {OURS: command, SDK: sdk(f"import-{kind}", url, file)}
    found = side_by_side(commands, url, home, at_once=kind == "events" and ROWS >= LONG)
    seen = {name: counted(url, name)[operation] for name in found}
    requests = -(-ROWS // size)
    print(f"\n{ROWS:,} {kind}, {size:,} a request{'':14}{OURS:>14}{SDK:>14}")
    took = {name: seen[name]["last"] - seen[name]["first"] for name in found}
    row("rows that arrived", {name: seen[name]["rows"] for name in found}, "{:,.0f}")
    share = {name: shortest(requests, LIMITS[operation]) / max(took[name], 0.001) for name in found}
    row("share of the limits", share, "{:.1%}", share[OURS] >= SHARE)
    row("requests a minute, beside the limit", {n: rate(requests, took[n], operation) for n in found}, "{:.1%}")
    row("requests refused (429)", {name: seen[name]["refused"] for name in found}, "{:,.0f}")
    row("before the first request", {n: seen[n]["first"] - found[n].began for n in found}, "{:.1f} s")
    row("from the first to the last", took, "{:.1f} s")
    row("rows a second meanwhile", {name: ROWS / max(took[name], 0.001) for name in found}, "{:,.0f}")
    row("in all", {name: found[name].seconds for name in found}, "{:.1f} s")
    row("processor time a row", {n: found[n].processor / ROWS * 1e6 for n in found}, "{:.0f} µs")
    row("memory", {name: found[name].memory for name in found}, "{:.0f} MB", found[OURS].memory < MOST_MEMORY)
    grown = {name: found[name].grown(seen[name]["first"]) for name in found}
    row("growth in the second half", grown, "{:+.1%}", grown[OURS] <= GROWTH)


def exporting() -> None:
    with tempfile.TemporaryDirectory() as folder, stub() as url:
        exported(url, Path(folder))


def exported(url: str, home: Path) -> None:
    file = home / "out.jsonl"
    command = ours("export", "events", "-o", str(file), "--since", "2024-01-01")
    commands = {OURS: command, SDK: sdk("export", url, home / "plain.jsonl")}
    found = side_by_side(commands, url, home, at_once=False)
    lines = {OURS: count_lines(file), SDK: count_lines(home / "plain.jsonl")}
    print(f"\n{ROWS:,} events out, 1,000 a page{'':11}{OURS:>14}{SDK:>14}")
    row("rows in the file", lines, "{:,.0f}", lines[OURS] == ROWS)
    row("requests", {name: counted(url, name)["get_events"]["accepted"] for name in found}, "{:,.0f}")
    row("rows a second", {name: ROWS / found[name].seconds for name in found}, "{:,.0f}")
    row("processor time a row", {n: found[n].processor / ROWS * 1e6 for n in found}, "{:.0f} µs")
    row("memory", {name: found[name].memory for name in found}, "{:.0f} MB", found[OURS].memory < MOST_MEMORY)


def durability() -> None:
    print("\nWhat durability costs: chunks of a job through the engine and the store, and without both", flush=True)
    jobs_durability.main(min(200, max(10, ROWS // 1_000)))


def checking() -> None:
    print(flush=True)
    jobs_check.main(min(ROWS, 100_000), ROWS)


def started() -> None:
    """What a start takes, and that it loads nothing of the engine of jobs."""
    code = "import sys, klaviyo_mcp.cli.main as cli; cli.app; print(sorted({'dbos', 'sqlalchemy'} & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()
    version: list[float] = []
    listing: list[float] = []
    with stub() as url, tempfile.TemporaryDirectory() as home:
        for _ in range(5):
            began = time.perf_counter()
            subprocess.run(ours("--version"), check=True, capture_output=True)
            version.append((time.perf_counter() - began) * 1000)
            took, _ = start_once(ours("serve", "--expose", "all"), environment(url, Path(home)))
            listing.append(took[1])
    print(f"\nA start: --version {sorted(version)[2]:.0f} ms, tools/list {sorted(listing)[2]:.0f} ms", end="")
    print(f"; of the engine of jobs it loads {loaded}{mark(loaded == '[]')}")


def row(what: str, found: dict[str, float], form: str, goal: bool | None = None) -> None:
    cells = "".join(f"{form.format(found[name]):>14}" for name in (OURS, SDK))
    print(f"{what:40}{cells}{mark(goal)}", flush=True)


def shortest(requests: int, limits: tuple[int, int]) -> float:
    """Seconds from the first of so many requests to the last that fixed windows of a second and a minute ask for."""
    burst, steady = limits
    minutes, rest = divmod(requests - 1, steady)
    return minutes * 60.0 + rest // burst


def rate(requests: int, took: float, operation: str) -> float:
    """Requests a minute beside those that are allowed; over 1 where the last minute was begun only."""
    return requests / max(took, 0.001) * 60 / LIMITS[operation][1]


def side_by_side(commands: dict[str, list[str]], url: str, home: Path, *, at_once: bool) -> dict[str, Measured]:
    """Run each command to its end. Raises SystemExit where one fails."""
    found: dict[str, Measured] = {}
    failed: list[str] = []

    def measure(name: str) -> None:
        with (home / f"{name}.log").open("w+") as log:
            found[name], code = run(commands[name], environment(url, home), log)
            if code:
                log.seek(0)
                failed.append(f"{name}: {log.read()[-2000:]}")

    threads = [threading.Thread(target=measure, args=(name,)) for name in commands]
    for thread in threads:
        thread.start()
        if not at_once:
            thread.join()
    for thread in threads:
        thread.join()
    if failed:
        raise SystemExit("\n".join(failed))
    return found


def run(command: list[str], variables: dict[str, str], log: IO[str]) -> tuple[Measured, int]:
    """What a command took, and its exit code."""
    measured = Measured(time.time())
    with subprocess.Popen(command, env=variables, stdout=log, stderr=log) as process:
        while True:
            pid, status, used = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            if time.time() - measured.began > LONGEST:
                process.kill()
            with suppress(StopIteration, OSError):  # it has ended just now
                measured.samples.append((time.time(), resident(process)))
                measured.memory = peak(process.pid)
            time.sleep(0.25)
        process.returncode = os.waitstatus_to_exitcode(status)
    measured.seconds = time.time() - measured.began
    measured.processor = used.ru_utime + used.ru_stime
    return measured, process.returncode


def ours(*words: str) -> list[str]:
    return [sys.executable, "-m", "klaviyo_mcp", *words]


def sdk(what: str, url: str, file: Path) -> list[str]:
    return [sys.executable, str(HERE / "jobs_sdk.py"), what, url, str(file)]


def environment(url: str, home: Path) -> dict[str, str]:
    own = {"KLAVIYO_BASE_URL": url, "KLAVIYO_API_KEY": "pk_ours", "KLAVIYO_MCP_HOME": str(home / "home")}
    return clean_environment() | own


@contextmanager
def stub() -> Iterator[str]:
    port = free_port()
    with listening([sys.executable, str(HERE / "jobs_stub.py"), str(port), str(ROWS)], port):
        yield f"http://127.0.0.1:{port}"


def counted(url: str, name: str) -> dict[str, Any]:
    """What the stub has counted under the key of one of both, by operation."""
    with urllib.request.urlopen(f"{url}/_stub") as answer:
        return json.load(answer)["Klaviyo-API-Key pk_ours" if name == OURS else "Klaviyo-API-Key pk_sdk"]


def count_lines(file: Path) -> int:
    with file.open("rb") as lines:
        return sum(1 for _ in lines)


PARTS: dict[str, Callable[[], None]] = {
    "events": partial(importing, "events"),
    "profiles": partial(importing, "profiles"),
    "export": exporting,
    "durability": durability,
    "check": checking,
    "start": started,
}
"""What is measured, in this order."""

if __name__ == "__main__":
    main()
