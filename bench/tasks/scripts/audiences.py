"""Scripts for tasks about many people."""

import asyncio
import csv
import io
import re
from typing import Any

from bench.tasks.agents import AgentError
from bench.tasks.scripts.hand import BETWEEN_LOOKS, MOST_LOOKS, Hand, with_ids
from bench.tasks.scripts.people import list_id, orders_metric
from bench.tasks.shop import JSON
from bench.tasks.task import Answer

ORDERS = "UxK3nD"
"""Placed Order in guide:segments and guide:flows."""


async def filled(hand: Hand, name: str, definition: JSON) -> tuple[str, int]:
    """A new segment, once it is filled: its id and how many people are in it."""
    words = ("make a segment", "create a segment of customers")
    made = await hand.run(words, "create_segment", name=name, definition=definition)
    for _ in range(MOST_LOOKS):
        segment = (await hand.follow(made["verify"]))["record"]
        if not segment["is_processing"]:
            return segment["id"], segment["profile_count"]
        await asyncio.sleep(BETWEEN_LOOKS)
    raise AgentError("The segment was not filled in time.")


async def repeat_buyers(hand: Hand) -> Answer:
    """Task 4."""
    orders, guide = await orders_metric(hand), await hand.guide("segments")
    definition = with_ids(guide.worked("create_segment", "profile-marketing-consent")["definition"], {ORDERS: orders})
    # Whom we can reach: the shop did not ask for those alone who subscribed.
    consent = definition["condition_groups"][1]["conditions"][0]["consent"]
    consent["consent_status"]["subscription"] = guide.says("any")
    _, people = await filled(hand, "Repeat buyers 90d", definition)
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
    job = await hand.job_done(answer)
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
    metrics = await _metrics(hand, "Email")
    guide = await hand.guide("segments")
    ids = {"RcV7mL": "Received Email", "OpN4tK": "Opened Email", "CkD6rT": "Clicked Email"}
    segment, people = await filled(
        hand,
        "Newsletter, silent for 180 days",
        with_ids(
            guide.worked("create_segment", "profile-group-membership")["definition"],
            {"VbT4kM": newsletter, **{said: metrics[name] for said, name in ids.items()}},
        ),
    )
    silent = await hand.records(
        "who is in a segment",
        "get_profiles_for_segment",
        id=segment,
        **hand.shown("email", otherwise={"profile_fields": ["email"]}),
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


async def _metrics(hand: Hand, part: str) -> dict[str, str]:
    """The ids of the metrics that have this in their names."""
    if hand.lists("find"):
        found = (await hand.run("find a metric", "find", text=part, kinds=["metric"]))["hits"]
    else:
        found = await hand.records("which metrics are there", "get_metrics", metric_fields=["name"])
    return {one["name"]: one["id"] for one in found}


SCRIPTS = {4: repeat_buyers, 8: import_file, 18: take_off_the_silent}
