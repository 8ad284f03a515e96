"""How fast the rows of a file are read and checked, beside the csv module alone: `python bench/jobs_check.py [ROWS]`.

Processor time of one core, as others may be busy. The file has twelve columns of profiles, with numbers and days
once as Klaviyo has them and once as people in Germany write them.
"""

import csv
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from klaviyo_mcp.jobs.checking import Checker, checked
from klaviyo_mcp.jobs.kind import item_schema, load_kinds
from klaviyo_mcp.jobs.mapping import suggested
from klaviyo_mcp.jobs.source import open_source
from klaviyo_mcp.registry.loading import load_catalogue
from klaviyo_mcp.registry.registry import Registry

HEADER = "E-Mail Vorname Nachname Telefon Straße PLZ Ort Land Punkte VIP Geburtstag Größe".split()  # noqa: SIM905
FIRST = ["Anna", "Jürgen", "Zoë", "Max", "Ida", "Noah", "Mia", "Łukasz"]
GOAL = 30_000


def rows(count: int, *, tidy: bool) -> list[list[str]]:
    chance = random.Random(17)
    made: list[list[str]] = []
    for number in range(count):
        first, digits = FIRST[number % len(FIRST)], f"{chance.randrange(10_000_000, 99_999_999)}"
        day, month, year = chance.randint(1, 28), chance.randint(1, 12), chance.randint(1950, 2005)
        made.append(
            [
                f"{'person' if tidy else 'Person'}.{number}@mail{number % 500}.example.org",
                first,
                f"Name{number % 977}",
                f"+49176{digits}" if tidy else f"0176 {digits}",
                f"Weg {number % 90}",
                f"{number % 90_000 + 10_000}",
                "Köln",
                "DE",
                f"{number % 1000}.5",
                "true" if number % 3 else "false",
                f"{year}-{month:02}-{day:02}" if tidy else f"{day:02}.{month:02}.{year}",
                "SML"[number % 3],
            ]
        )
    return made


def timed(count: int, work: Callable[[], int]) -> float:
    best = 0.0
    for _ in range(3):
        began = time.process_time()
        found = work()
        best = max(best, count / (time.process_time() - began))
        if found != count:
            raise SystemExit(f"{found} of {count} rows came through.")
    return best


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    kind, registry = load_kinds()["profiles"], Registry(load_catalogue())
    schema = item_schema(kind, registry)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "people.csv"

        def plain() -> int:
            with path.open(newline="", encoding="utf-8") as file:
                return sum(1 for _ in csv.reader(file)) - 1

        def read() -> int:
            return sum(1 for _ in open_source(path).rows())

        def check(rule: str) -> int:
            source = open_source(path)
            mapped = suggested(kind, schema, source.columns, source.sample, {}, {})
            found = checked(source, Checker(kind, schema, mapped, region="DE"), duplicates=rule)
            for _ in found:
                pass
            return found.report.good

        print(f"{'':42}{'rows a second':>14}{'to csv alone':>14}")
        for name, tidy in (("as Klaviyo has them", True), ("as people write them", False)):
            with path.open("w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows([HEADER, *rows(count, tidy=tidy)])
            alone = timed(count, plain)
            print(f"{f'csv module alone, {name}':42}{alone:>14,.0f}{1:>14.2f}")
            ways: list[tuple[str, Callable[[], int]]] = [("read", read)]
            ways += [(f"checked, {rule}", partial(check, rule)) for rule in ("refuse", "merge")]
            for way, work in ways:
                speed = timed(count, work)
                print(f"{f'{way}, {name}':42}{speed:>14,.0f}{alone / speed:>14.1f}")
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{count:,} rows; {used:.0f} MB at most. Goal: {GOAL:,} rows a second, checked.")


if __name__ == "__main__":
    main()
