"""How fast the rows of a file are read and checked, beside the csv module alone: `python bench/jobs_check.py [ROWS]`.

Processor time of one core, as others may be busy: the mean of five rounds, and the slowest. Files are those of
`jobs_files`, once with numbers and times as Klaviyo has them and once as people in Germany write them. Last comes the
memory of a process that checks many rows of which every tenth is a duplicate.
"""

import csv
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from goals import mark
from jobs_files import write
from processes import peak

from klaviyo_mcp.jobs.checking import Checker, checked
from klaviyo_mcp.jobs.kind import Kind, item_schema, load_kinds
from klaviyo_mcp.jobs.mapping import suggested
from klaviyo_mcp.jobs.row_rules import RowRules
from klaviyo_mcp.jobs.source import open_source
from klaviyo_mcp.registry.loading import load_catalogue
from klaviyo_mcp.registry.registry import Registry

GOAL, MOST_MEMORY, ROUNDS = 30_000, 200.0, 5
CONSTANTS = {"events": {"event.metric.name": "Placed Order"}, "profiles": {}}


def main(count: int = 200_000, many: int = 1_000_000) -> None:
    """A table of rows a second, and the memory of a check of `many` rows."""
    registry = Registry(load_catalogue())
    print(f"{f'{count:,} rows, checked':40}{'mean':>14}{'slowest':>14}{'to csv alone':>14}")
    with tempfile.TemporaryDirectory() as folder:
        for name in CONSTANTS:
            for tidy, how in ((True, "as Klaviyo has them"), (False, "as people write them")):
                path = write(Path(folder) / "rows.csv", name, count, tidy=tidy)
                alone, _ = timed(count, partial(plain, path))
                for rule in ("refuse", "merge"):
                    work = partial(check, path, load_kinds()[name], registry, rule)
                    speed, slowest = timed(count, lambda work=work: work()[0])
                    met = mark(None if rule == "merge" else speed >= GOAL)
                    print(f"{f'{name} {how}, {rule}':40}{speed:>14,.0f}{slowest:>14,.0f}{alone / speed:>14.1f}{met}")
    for rule in ("refuse", "merge"):
        told = subprocess.run([sys.executable, __file__, "memory", str(many), rule], check=True, stdout=subprocess.PIPE)
        used = float(told.stdout)
        print(f"{f'memory for {many:,} profiles, {rule}':40}{used:>11.0f} MB{mark(used < MOST_MEMORY)}")
    print(f"Load average {os.getloadavg()[0]:.1f}. Goal: {GOAL:,} rows a second of one core with the rule of default.")


def plain(path: Path) -> int:
    with path.open(newline="", encoding="utf-8") as file:
        return sum(1 for _ in csv.reader(file)) - 1


def check(path: Path, kind: Kind, registry: Registry, rule: str) -> tuple[int, int]:
    """The rows that pass, and those that are others' duplicates."""
    schema, source = item_schema(kind, registry), open_source(path)
    mapped = suggested(kind, schema, source.columns, source.sample, {}, CONSTANTS[kind.name])
    rules = RowRules(kind, registry[kind.action].spec.preconditions, {})
    checker = Checker(kind, schema, mapped, region="DE", zone="Europe/Berlin", rules=rules)
    found = checked(source, checker, duplicates=rule)
    for _ in found:
        pass
    return found.report.good, found.report.duplicates + found.report.rejected


def timed(count: int, work: Callable[[], int]) -> tuple[float, float]:
    """Rows a second of the processor: the mean of all rounds, and of the slowest."""
    took: list[float] = []
    for _ in range(ROUNDS):
        began = time.process_time()
        found = work()
        took.append(time.process_time() - began)
        if found != count:
            raise SystemExit(f"{found} of {count} rows came through.")
    return count * len(took) / sum(took), count / max(took)


def memory(count: int, rule: str) -> None:
    """Check many rows, and print the most MB that were resident."""
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder) / "rows.csv", "profiles", count - count // 10)
        with path.open("a", encoding="utf-8", newline="") as file, path.open(encoding="utf-8", newline="") as rows:
            next(rows)
            for _, line in zip(range(count // 10), rows, strict=False):
                file.write(line)
        good, others = check(path, load_kinds()["profiles"], Registry(load_catalogue()), rule)
    if (good, others) != (count - count // 10, count // 10):
        raise SystemExit(f"{good} rows are good, {others} are duplicates.")
    print(peak("self"))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["memory", many, rule]:
            memory(int(many), rule)
        case words:
            main(*map(int, words))
