"""Killed at any moment and begun again, a job leaves the account and its report as if nothing had happened."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.jobs.conftest import HEADERS, KILLS, LONG, Between, Jobs
from tests.warm import kill

Rows = list[dict[str, Any]]
Kill = tuple[str, int, bool]
"""At which request, the how many-th that fits, and whether before it gets through; or what is kept by then."""
COUNT = int(os.environ.get("ROWS", "20000")) if LONG else 250
NOBODY = "01JZZZZZZZZZZZZZZZZZZZZZZZ"
PLACE = {"title": "Shirt", "description": "A shirt", "url": "https://shop.test/"}
KEPT, REPORT = "kept", "report"


@dataclass(frozen=True)
class Case:
    """Rows of a kind, what is there before, and what of the account they change."""

    kind: str
    rows: Rows
    words: tuple[str, ...]
    state: Callable[[Jobs], Any]


def _people(jobs: Jobs) -> Any:
    told = ("email", "first_name", "properties")
    return sorted(
        json.dumps([one["attributes"][name] for name in told]) for one in jobs.read("/api/profiles?page[size]=100")
    )


def _items(jobs: Jobs) -> Any:
    return sorted(one["id"] for one in jobs.read("/api/catalog-items"))


def _events(jobs: Jobs) -> Any:
    found = jobs.read("/api/events?page[size]=1000")
    return sorted(json.dumps(one["attributes"]["event_properties"]["Number"]) for one in found if _is_ours(one))


def _is_ours(event: dict[str, Any]) -> bool:
    return "Number" in event["attributes"]["event_properties"]


def _members(jobs: Jobs) -> Any:
    return sorted(one["attributes"]["email"] for one in jobs.read(f"/api/lists/{_list(jobs)}/profiles?page[size]=100"))


def _list(jobs: Jobs) -> str:
    return jobs.read("/api/lists")[0]["id"]


def _codes(jobs: Jobs) -> Any:
    return sorted(one["id"] for one in jobs.read("/api/coupon-codes?filter=equals(coupon.id,'FAIR')&page[size]=100"))


CASES = {
    "profiles": Case(
        "profiles",
        # Klaviyo's job refuses the first, which are known by an id that nobody has.
        [{"id": f"{NOBODY[:-4]}{one:04}", "first_name": "No one"} for one in range(4)]
        + [{"email": f"p{one}@example.org", "first_name": f"P{one}", "points": one} for one in range(COUNT)],
        (),
        _people,
    ),
    # Rows that are there already are refused, but not those of a request whose answer was lost.
    "catalog-items-create": Case(
        "catalog-items-create", [{"external_id": f"SKU-{one}", **PLACE} for one in range(COUNT // 10 + 225)], (), _items
    ),
    "events": Case(
        "events",
        [
            {"email": f"p{one}@example.org", "metric": "Visited", "time": "2026-03-02T11:20:00Z", "Number": one}
            for one in range(COUNT)
        ],
        ("--map", "metric=event.metric.name"),
        _events,
    ),
    "list-add": Case(
        "list-add", [{"email": f"p{one}@example.org"} for one in range(COUNT)], ("--option", "list=LIST"), _members
    ),
    "coupon-codes": Case(
        "coupon-codes", [{"unique_code": f"C{one}"} for one in range(COUNT)], ("--option", "coupon=FAIR"), _codes
    ),
}
STAGES: dict[str, list[Kill]] = {
    "profiles": [
        (KEPT, 1, False),
        ("POST .*/profile-bulk-import-jobs", 1, True),
        ("POST .*/profile-bulk-import-jobs", 1, False),
        ("GET .*/import-errors", 1, False),
        (REPORT, 0, False),
    ],
    "catalog-items-create": [
        ("POST .*/catalog-item-bulk-create-jobs", 2, False),
        ("GET .*/catalog-item-bulk-create-jobs$", 1, False),
    ],
}
"""Stages of a run, one after the other: each is where the next process dies."""


class Killer:
    """Runs an import that dies where it is told, begun again each time by the same words."""

    def __init__(self, jobs: Jobs, between: Between, case: Case) -> None:
        self.jobs, self.between, self.case = jobs, between, case
        self.file = f"{case.kind}.jsonl"
        text = "".join(json.dumps(row) + "\n" for row in case.rows)
        (jobs.folder / self.file).write_text(text)
        words = [word.replace("LIST", _list(jobs)) for word in case.words]
        self.words = ["import", case.kind, self.file, *words, "--yes"]
        _post(jobs, "/_sandbox/snapshot", {"name": "before"})
        self.begin_anew()
        jobs.run(*self.words)
        self.undisturbed = self.became()

    def begin_anew(self) -> None:
        """As nothing had happened."""
        _post(self.jobs, "/_sandbox/restore", {"name": "before"})
        for left in (self.jobs.folder / "home", self.report):
            shutil.rmtree(left, ignore_errors=True)

    def killed(self, kills: list[Kill]) -> None:
        for one in kills:
            if not self._done:
                self._die(*one)
        if killed_in_report := self._done:
            ((id, *_),) = [one for one in self.jobs.kept() if one[1] == "done"]
            self.jobs.run("jobs", "report", id, "--to", str(self.report))
        else:
            self.jobs.run(*self.words)
        assert killed_in_report or self._done
        assert [state for _, state, _ in self.jobs.kept() if state != "draft"] == ["done"]

    def troubled(self, faults: list[dict[str, Any]]) -> None:
        """Run it against a Klaviyo that answers so, again for as long as it pauses with a reason."""
        _post(self.jobs, "/_sandbox/faults", faults)
        for _ in range(20):
            process = self.jobs.start(*self.words)
            out, err = process.communicate(timeout=300)
            assert self._done or "Go on with" in out or "Nothing was sent" in err, out + err
            if self._done:
                return _post(self.jobs, "/_sandbox/faults", [])
        raise AssertionError("It does not end.")

    def became(self) -> tuple[Any, list[str], bytes]:
        """What is in the account, and the report: without the ids that Klaviyo gives to its jobs."""
        results = (self.report / "result.jsonl").read_text().splitlines()
        rejected = self.report / "rejected.csv"
        return (
            self.case.state(self.jobs),
            [json.dumps({**json.loads(line), "job": ""}) for line in results],
            rejected.read_bytes() if rejected.exists() else b"",
        )

    def _die(self, pattern: str, number: int, before: bool) -> None:
        self.between.clear()
        known = {id for id, *_ in self.jobs.kept()}
        process = self.jobs.start(*self.words)
        if pattern not in (KEPT, REPORT):
            self.between.at(pattern, partial(_killed, process), number=number, before=before)
        while process.poll() is None:
            there = (self.report / "result.jsonl").exists() if pattern == REPORT else False
            kept = pattern == KEPT and any(chunks >= number for id, _, chunks in self.jobs.kept() if id not in known)
            if there or kept:
                _killed(process)
            time.sleep(0.002)
        process.communicate()
        self.between.clear()

    @property
    def _done(self) -> bool:
        return any(state == "done" for _, state, _ in self.jobs.kept())

    @property
    def report(self) -> Path:
        return self.jobs.folder / f"{self.file}.report"


def _killed(process: subprocess.Popen[str]) -> bool:
    kill(process)
    return True


def _post(jobs: Jobs, path: str, body: Any) -> None:
    httpx2.post(f"{jobs.url}{path}", json=body, headers=HEADERS, timeout=60).raise_for_status()


@pytest.fixture
def killer(jobs: Jobs, between: Between, request: pytest.FixtureRequest) -> Killer:
    case = CASES[request.param]
    coupon = {"type": "coupon", "attributes": {"external_id": "FAIR"}}
    _post(jobs, "/api/coupons", {"data": coupon})
    if case.kind == "list-add":
        for start in range(0, COUNT, 10_000):
            people = [
                {"type": "profile", "attributes": {"email": row["email"]}} for row in case.rows[start : start + 10_000]
            ]
            attributes = {"profiles": {"data": people}}
            _post(
                jobs,
                "/api/profile-bulk-import-jobs",
                {"data": {"type": "profile-bulk-import-job", "attributes": attributes}},
            )
        _post(jobs, "/_sandbox/clock", {"advance": 3600})
    return Killer(jobs, between, case)


@pytest.mark.parametrize("killer", STAGES, indirect=True)
def test_killed_at_every_stage(killer: Killer) -> None:
    killer.begin_anew()
    killer.killed(STAGES[killer.case.kind])
    assert killer.became() == killer.undisturbed
    home = killer.jobs.folder / "home" / "jobs"
    private = [*home.glob("jobs.sqlite*"), *home.glob("workers/*"), *killer.report.iterdir()]
    assert {path.stat().st_mode & 0o77 for path in private} == {0}


requests = st.tuples(st.just("."), st.integers(1, 60), st.booleans())
kept = st.tuples(st.just(KEPT), st.integers(0, 20), st.just(False))
by_hand = pytest.mark.skipif(not LONG, reason="takes long: make killed")


@by_hand
@pytest.mark.parametrize("killer", CASES, indirect=True)
@given(kills=st.lists(st.one_of(requests, requests, kept), min_size=1, max_size=5))
@settings(max_examples=KILLS, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_killed_anywhere(killer: Killer, kills: list[Kill]) -> None:
    killer.begin_anew()
    killer.killed(kills)
    assert killer.became() == killer.undisturbed


FAULTS: list[dict[str, Any]] = [
    {"fault": "status", "status": 429, "retry_after": 1},
    {"fault": "status", "status": 500},
    {"fault": "status", "status": 503, "after": True},
    {"fault": "status", "status": 504, "after": True},
    {"fault": "html", "status": 502},
    {"fault": "html", "status": 200, "after": True},
    {"fault": "reset_before"},
    {"fault": "reset_after"},
    {"fault": "truncate"},
    {"fault": "empty"},
    {"fault": "deep"},
    {"fault": "headers"},
    {"fault": "slow", "seconds": 1},
]

strikes = st.tuples(st.sampled_from(FAULTS), st.floats(0.1, 1), st.integers(1, 3))


@by_hand
@pytest.mark.parametrize("killer", CASES, indirect=True)
@given(faults=st.lists(strikes, min_size=1, max_size=5))
@settings(max_examples=KILLS, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_klaviyo_answers_nothing_is_lost_or_twice(
    killer: Killer, faults: list[tuple[dict[str, Any], float, int]]
) -> None:
    killer.begin_anew()
    killer.troubled(
        [
            {**fault, "operation": operation, "probability": probability, "count": count}
            for fault, probability, count in faults
            for operation in ("bulk_*", "add_*", "get_bulk_*", "get_catalog_items", "get_coupon_code")
        ]
    )
    assert killer.became() == killer.undisturbed


@by_hand
@pytest.mark.parametrize("form", ["csv", "parquet", "jsonl"])
def test_an_export_killed_anywhere_has_the_same_bytes(jobs: Jobs, between: Between, form: str) -> None:
    people = [{"type": "profile", "attributes": {"email": f"p{one}@example.org"}} for one in range(5_000)]
    attributes = {"profiles": {"data": people}}
    _post(
        jobs, "/api/profile-bulk-import-jobs", {"data": {"type": "profile-bulk-import-job", "attributes": attributes}}
    )
    _post(jobs, "/_sandbox/clock", {"advance": 3600})
    jobs.run("export", "profiles", "-o", f"whole.{form}")

    @given(kills=st.lists(st.tuples(st.integers(1, 60), st.booleans()), min_size=1, max_size=4))
    @settings(max_examples=KILLS)
    def killed(kills: list[tuple[int, bool]]) -> None:
        target = jobs.folder / f"killed.{form}"
        target.unlink(missing_ok=True)
        for number, before in kills:
            if target.exists():
                break
            process = jobs.start("export", "profiles", "-o", target.name)
            between.clear()
            between.at("GET .*/profiles", partial(_killed, process), number=number, before=before)
            process.communicate()
        between.clear()
        if not target.exists():
            jobs.run("export", "profiles", "-o", target.name)
        assert target.read_bytes() == (jobs.folder / f"whole.{form}").read_bytes()
        assert not list(jobs.folder.glob("*.part*"))

    killed()
