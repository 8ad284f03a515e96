"""How the sandbox bears a large shop: filling it, and reading filtered pages of it beside a small one. `make bench`.

Both shops are state files that the same process reads in turn, request by request and without a network between, so
that what the machine does besides falls on both alike.
"""

import asyncio
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
from goals import mark

from klaviyo_sandbox import API_KEY, COMPANY_ID, ManualClock, create_app

PROFILES = int(os.environ.get("BENCH_PROFILES", "100000"))
SMALL = 1000
READINGS = int(os.environ.get("BENCH_READINGS", "200"))
MOST_SECONDS_PER_MILLION = 120.0
MOST_MILLISECONDS = 10.0
NOW = datetime(2026, 11, 16, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Filled:
    """A shop in a state file, and what filling it took."""

    app: Any
    path: Path
    seconds: float
    profiles: int
    events: int

    def values(self, sql: str) -> list[Any]:
        """What a query over the state file yields, for queries to ask with."""
        with closing(sqlite3.connect(self.path)) as database:
            return [row[0] for row in database.execute(sql, {"account": COMPANY_ID})]


def measure_sandbox() -> bool:
    """Measure and print a table; goals are marked as met or missed. Says whether all were met."""
    return asyncio.run(_measure())


async def _measure() -> bool:
    with tempfile.TemporaryDirectory() as folder:
        small = await fill(Path(folder) / "small.db", SMALL)
        large = await fill(Path(folder) / "large.db", PROFILES)
        print(f"\nThe sandbox with {large.profiles:,} profiles and {large.events:,} events, in a file of its own")
        met = [_show_filling(small, large)]
        print(f"\n{'':46}{f'{small.profiles:,} profiles':>16}{f'{large.profiles:,} profiles':>18}")
        print(f"{'':46}{'p50      p99':>16}{'p50      p99':>18}   (ms, {READINGS} requests each)")
        asked = {name: (questions(small, name), questions(large, name)) for name in QUESTIONS}
        for name, paths in asked.items():
            times = await read_in_turn((small, large), paths)
            shown = "".join(f"{percentile(t, 0.5):>9.2f}{percentile(t, 0.99):>9.2f}" for t in times)
            met.append(percentile(times[1], 0.5) < MOST_MILLISECONDS)
            print(f"{name:44}{shown}{mark(met[-1])}")
        print(
            f"\nGoals: {MOST_SECONDS_PER_MILLION:.0f} s to fill 100,000 profiles and a million events,"
            f" p50 of a page below {MOST_MILLISECONDS:.0f} ms."
        )
    return all(met)


def _show_filling(small: Filled, large: Filled) -> bool:
    per_million = large.seconds / large.events * 1e6
    met = per_million <= MOST_SECONDS_PER_MILLION
    print(f"filled in {large.seconds:.1f} s, that is {per_million:.1f} s per million events", end="")
    print(f" ({small.seconds / small.events * 1e6:.1f} s with {small.profiles:,} profiles){mark(met)}")
    print(f"the file has {large.path.stat().st_size / 1e6:,.0f} MB")
    return met


async def fill(path: Path, profiles: int) -> Filled:
    """A new state file with so many profiles, timed from the first request on."""
    app = create_app(state=path, profiles=profiles, clock=ManualClock(NOW), rate_limits=False)
    began = time.perf_counter()
    await get(app, "/api/accounts")
    seconds = time.perf_counter() - began
    with closing(sqlite3.connect(path)) as database:
        counts = [database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("profile", "event")]
    return Filled(app, path, seconds, *counts)


# What is asked, and where the values it is asked with come from: another one for each request.
QUESTIONS: Mapping[str, tuple[str, str]] = {
    "a profile by its address": (
        '/api/profiles?filter=equals(email,"{}")',
        "SELECT email FROM profile WHERE account = :account AND email IS NOT NULL ORDER BY random() LIMIT 50",
    ),
    "20 profiles created after a day": (
        "/api/profiles?filter=greater-than(created,{})&sort=created",
        "SELECT json_extract(body, '$.created') FROM profile WHERE account = :account ORDER BY random() LIMIT 50",
    ),
    "20 of nearly all profiles, sorted by address": (
        "/api/profiles?filter=greater-than(created,{})&sort=email&additional-fields[profile]=subscriptions",
        "SELECT json_extract(body, '$.created') FROM profile WHERE account = :account ORDER BY created LIMIT 50",
    ),
    "20 members of a list": (
        "/api/lists/{}/profiles",
        "SELECT id FROM list WHERE account = :account ORDER BY random() LIMIT 50",
    ),
    "a person's events, newest first": (
        '/api/events?filter=equals(profile_id,"{}")&sort=-datetime&page[size]=50',
        "SELECT id FROM profile WHERE account = :account ORDER BY random() LIMIT 50",
    ),
    "20 events of a metric since a day": (
        '/api/events?filter=equals(metric_id,"{}"),greater-or-equal(datetime,2026-09-01T00:00:00Z)&sort=datetime'
        "&page[size]=20",
        "SELECT id FROM metric WHERE account = :account ORDER BY random() LIMIT 50",
    ),
    "20 newest events": ("/api/events?sort=-datetime&page[size]=20", "SELECT 1"),
    "20 events with metric and profile": (
        "/api/events?filter=less-than(datetime,{})&sort=-datetime&page[size]=20&include=metric,profile",
        "SELECT json_extract(body, '$.datetime') FROM event WHERE account = :account LIMIT 50",
    ),
}


def questions(shop: Filled, name: str) -> list[str]:
    """The paths of one question, with values that the shop has."""
    template, sql = QUESTIONS[name]
    return [template.replace("{}", quote(str(value))) for value in shop.values(sql)]


async def read_in_turn(shops: tuple[Filled, ...], paths: tuple[list[str], ...]) -> list[list[float]]:
    """Milliseconds of each reading, for each shop. The first readings warm caches, and count for nothing."""
    times: list[list[float]] = [[] for _ in shops]
    for index in range(-10, READINGS):
        for shop, own, kept in zip(shops, paths, times, strict=True):
            took = await get(shop.app, own[index % len(own)])
            if index >= 0:
                kept.append(took)
    return times


async def get(app: Any, path: str) -> float:
    """Read `path`, which must succeed, and say how many milliseconds the app took."""
    headers = {"Authorization": f"Klaviyo-API-Key {API_KEY}", "revision": "2026-07-15"}
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://sandbox") as client:
        began = time.perf_counter()
        answer = await client.get(path, headers=headers)
        took = (time.perf_counter() - began) * 1000
    assert answer.status_code == 200, answer.text
    return took


def percentile(samples: list[float], quantile: float) -> float:
    return sorted(samples)[min(int(len(samples) * quantile), len(samples) - 1)]


if __name__ == "__main__":
    sys.exit(not measure_sandbox())
