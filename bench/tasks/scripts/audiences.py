"""Scripts for tasks about many people."""

import asyncio
import csv
import io
import re
from typing import Any

from bench.tasks.agents import AgentError
from bench.tasks.scripts.hand import Hand
from bench.tasks.scripts.people import list_id, orders_metric
from bench.tasks.shop import JSON
from bench.tasks.task import Answer

_REACHABLE = {"channel": "email", "can_receive_marketing": True, "consent_status": {"subscription": "any"}}
_MOST_LOOKS = 40


def happened(metric: str, operator: str, value: int, *, days: int | None = None) -> JSON:
    """A condition of segments: how often somebody did something, ever or in the last days."""
    period: JSON = {"type": "date", "operator": "alltime"}
    if days:
        period = {"type": "date", "operator": "in-the-last", "unit": "day", "quantity": days}
    return {
        "type": "profile-metric",
        "metric_id": metric,
        "measurement": "count",
        "measurement_filter": {"type": "numeric", "operator": operator, "value": value},
        "timeframe_filter": period,
    }


async def filled(hand: Hand, name: str, conditions: list[JSON]) -> tuple[str, int]:
    """A new segment whose conditions must all hold, once it is filled: its id and how many people are in it."""
    definition = {"condition_groups": [{"conditions": [one]} for one in conditions]}
    words = ("make a segment", "create a segment of customers")
    made = await hand.run(words, "create_segment", name=name, definition=definition)
    for _ in range(_MOST_LOOKS):
        segment = (await hand.follow(made["verify"]))["record"]
        if not segment["is_processing"]:
            return segment["id"], segment["profile_count"]
        await asyncio.sleep(0.5)
    raise AgentError("The segment was not filled in time.")


async def repeat_buyers(hand: Hand) -> Answer:
    """Task 4."""
    orders = happened(await orders_metric(hand), "greater-than-or-equal", 2, days=90)
    reachable = {"type": "profile-marketing-consent", "consent": _REACHABLE}
    _, people = await filled(hand, "Repeat buyers 90d", [orders, reachable])
    return Answer(f"{people} people are in it.", {"people": people})


async def import_file(hand: Hand) -> Answer:
    """Task 8."""
    rows = list(csv.DictReader(io.StringIO(hand.given["csv"])))
    seen: dict[str, int] = {}
    second = [number for number, row in enumerate(rows, 1) if seen.setdefault(row["email"].lower(), number) != number]
    left = {number: row for number, row in enumerate(rows, 1) if number not in second}
    bad: dict[str, list[int]] = {"email": [], "phone_number": []}
    answer = await _import(hand, left)
    while answer.get("error", {}).get("code") == "invalid_arguments":
        numbers = list(left)
        for problem in answer["error"]["problems"]:
            named = re.fullmatch(r"profiles\[(\d+)\]\.(email|phone_number)", problem["argument"])
            if named is None:
                raise AgentError(f"What is wrong with {problem}?")
            bad[named[2]].append(numbers[int(named[1])])
        left = {number: row for number, row in left.items() if number not in (*bad["email"], *bad["phone_number"])}
        answer = await _import(hand, left)
    job = answer["record"]
    while job["status"] not in ("complete", "cancelled"):
        await asyncio.sleep(0.5)
        job = (await hand.follow(answer["verify"]))["record"]
    return Answer(
        f"{job['completed_count']} of {len(rows)} rows are in.",
        {
            "imported": job["completed_count"] - job["failed_count"],
            "bad_addresses": bad["email"],
            "bad_phones": bad["phone_number"],
            "duplicates": second,
        },
    )


async def _import(hand: Hand, rows: dict[int, dict[str, str]]) -> JSON:
    profiles: list[JSON] = []
    for row in rows.values():
        phone: dict[str, Any] = {"phone_number": row["phone"]} if row["phone"] else {}
        about = {"email": row["email"], "first_name": row["first_name"], "properties": {"source": "expo"}}
        profiles.append({**about, **phone})
    return (await hand.attempt("import people from a CSV", "bulk_import_profiles", profiles=profiles)).data


async def take_off_the_silent(hand: Hand) -> Answer:
    """Task 18."""
    newsletter = await list_id(hand, "Newsletter")
    metrics = await hand.records("which metrics are there", "get_metrics", metric_fields=["name"])
    ids = {one["name"]: one["id"] for one in metrics}
    member = {
        "type": "profile-group-membership",
        "is_member": True,
        "group_ids": [newsletter],
        "timeframe_filter": None,
    }
    segment, people = await filled(
        hand,
        "Newsletter, silent for 180 days",
        [
            member,
            happened(ids["Received Email"], "greater-than-or-equal", 1, days=180),
            happened(ids["Opened Email"], "equals", 0, days=180),
            happened(ids["Clicked Email"], "equals", 0, days=180),
        ],
    )
    silent = await hand.records(
        "who is in a segment",
        "get_profiles_for_segment",
        id=segment,
        profile_fields=["email"],
        page_size=100,
        max_records=1000,
    )
    held = await hand.run(
        "take people off a list without unsubscribing them",
        "remove_profile_from_list",
        list_id=newsletter,
        profile_ids=[one["id"] for one in silent],
        expect=people,
    )
    if held["reaches"] == people:
        await hand.confirm(held)
    return Answer(f"{people} people are off the Newsletter; their consent is as it was.", {"removed": people})


SCRIPTS = {4: repeat_buyers, 8: import_file, 18: take_off_the_silent}
