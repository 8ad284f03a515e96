"""Killed at any moment and resumed, a job leaves the account and its report as if nothing had happened."""

from typing import Any

import pytest
from tests.jobs.conftest import Jobs

ITEMS = [
    {"external_id": f"SKU-{number}", "title": f"Shirt {number}", "description": "A shirt", "url": "https://shop.test/"}
    for number in range(250)
]
EVENTS = [
    {"email": f"ada{number}@example.org", "metric": "Visited", "time": "2026-03-02T11:20:00Z", "Number": number + 1}
    for number in range(2_300)
]


@pytest.mark.parametrize("requests", [1, 6])
def test_items_of_the_catalogue_are_created_once(jobs: Jobs, requests: int) -> None:
    file = jobs.write("items.jsonl", ITEMS)
    _killed(jobs, requests, "import", "catalog-items-create", file, "--yes")
    assert _ids(jobs.read("/api/catalog-items"), "SKU-") == {
        f"$custom:::$default:::{one['external_id']}" for one in ITEMS
    }
    assert jobs.results(file) == [(line, "done") for line in range(1, 251)]


@pytest.mark.parametrize("requests", [3])
def test_events_count_once(jobs: Jobs, requests: int) -> None:
    file = jobs.write("events.jsonl", EVENTS)
    words = ("--map", "metric=event.metric.name", "--yes")
    _killed(jobs, requests, "import", "events", file, *words)
    found = [
        one for one in jobs.read("/api/events?page[size]=1000") if "Number" in one["attributes"]["event_properties"]
    ]
    assert sorted(one["attributes"]["event_properties"]["Number"] for one in found) == list(range(1, 2_301))
    assert jobs.results(file) == [(line, "done") for line in range(1, 2_301)]


def _killed(jobs: Jobs, requests: int, *words: str) -> None:
    if jobs.kill_after(jobs.start(*words), requests, jobs.last()):
        begun = jobs.listed()
        if not begun:  # nothing was agreed to yet
            jobs.run(*words)
        elif begun[0]["state"] != "done":
            jobs.run("jobs", "resume", begun[0]["job"])
    assert [one["state"] for one in jobs.listed()] == ["done"]


def _ids(records: list[dict[str, Any]], part: str) -> set[str]:
    return {one["id"] for one in records if part in one["id"]}
