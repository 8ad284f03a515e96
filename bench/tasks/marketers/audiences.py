"""Tasks about many people: segments, imports, who is to stay on a list."""

import csv
import io
import time
from random import Random

from bench.tasks.marketers.people import SMS
from bench.tasks.shop import JSON, Snapshot
from bench.tasks.task import MUST_NOT, Case, Task

DAY = 86400
SEGMENT = "Repeat buyers 90d"


def _counted(state: Snapshot, metric: str, days: int) -> dict[str, int]:
    """How often each person did something in so many days."""
    since = time.time() - days * DAY
    counts: dict[str, int] = {}
    for event in state.events(metric):
        if event["timestamp"] >= since:
            counts[event["_profile_id"]] = counts.get(event["_profile_id"], 0) + 1
    return counts


# 4


def _check_segment(case: Case) -> None:
    identifier, segment = case.one("segment")
    case.equal("its name", segment.get("name"), SEGMENT)
    buyers = {one for one, count in _counted(case.before, "Placed Order", 90).items() if count >= 2}
    wanted = case.before.reached("email", buyers)
    case.equal("who is in it", case.after.linked("segment.profiles", identifier), wanted)
    case.said("people", len(wanted))


# 8

ROWS = 250
BAD_ADDRESSES = {31: "no-at-sign.example.org", 118: "two@@example.org", 203: "space in@example.org"}
BAD_PHONES = {77: "12", 164: "+99912"}
DUPLICATES = {140: 12, 222: 60}
"""Row of the second → row of the first; rows are counted from 1, below the header."""


def _expo(_: Snapshot) -> JSON:
    """A file of so many rows, the same every time."""
    random = Random("expo")
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("email", "first_name", "phone"))
    for row in range(1, ROWS + 1):
        of = DUPLICATES.get(row, row)
        email = BAD_ADDRESSES.get(row) or _address(of)
        has_phone = random.random() < 0.2
        phone = BAD_PHONES.get(row) or (f"+1971555{2000 + of:04d}" if has_phone and of == row else "")
        writer.writerow((email.upper() if of != row else email, f"Visitor{of}", phone))
    return {"csv": out.getvalue()}


def _address(row: int) -> str:
    return f"visitor{row:03d}@expo.example.org"


def _check_imported(case: Case) -> None:
    out = {*BAD_ADDRESSES, *BAD_PHONES, *DUPLICATES}
    people = case.made("profile")
    wanted = {_address(row) for row in range(1, ROWS + 1) if row not in out}
    case.equal("how many are new", len(people), len(wanted))
    case.equal("who is missing", wanted - {body["email"] for body in people.values()}, set())
    case.expect(
        all(body["properties"].get("source") == "expo" for body in people.values()), "not all have source = expo"
    )
    case.expect(not any(case.after.consent(one) == "SUBSCRIBED" for one in people), "some are subscribed")
    case.said("imported", len(wanted))
    for name, rows in (("bad_addresses", BAD_ADDRESSES), ("bad_phones", BAD_PHONES), ("duplicates", DUPLICATES)):
        case.said(name, set(rows))
    for table in ("profile_bulk_import_job", "import_error"):
        case.made(table)
    case.links("profile-bulk-import-job.profiles")


# 18


def _silent(state: Snapshot) -> set[str]:
    """Who is on the newsletter, had mail in 180 days, and neither opened nor clicked any in that time."""
    had, opened, clicked = (_counted(state, f"{did} Email", 180) for did in ("Received", "Opened", "Clicked"))
    members = state.linked("list.profiles", state.named("list", "Newsletter"))
    return {one for one in members if one in had and one not in opened and one not in clicked}


def _check_taken_off(case: Case) -> None:
    silent = _silent(case.before)
    case.equal(
        "who came and who left", case.links("list.profiles", case.before.named("list", "Newsletter")), (set(), silent)
    )
    case.said("removed", len(silent))
    case.allow("list", case.before.named("list", "Newsletter"))
    # A segment is how one finds them, and none has to be left.
    case.expect(len(case.made("segment")) <= 1, "more than one segment was left")


# 21


def _check_texts(case: Case) -> None:
    vip = case.before.named("list", "VIP customers")
    members = case.before.linked("list.profiles", vip)
    identifier, campaign = case.one("campaign")
    case.equal("its status", campaign.get("status"), "Draft")
    case.equal("its audiences", campaign.get("audiences", {}).get("included"), [vip])
    case.one("campaign_message")
    details = details_of(case)
    case.equal("its channel", details.get("channel"), "sms")
    case.expect("20%" in str(details.get("body")), "the text does not say 20%")
    reached = case.before.reached("sms", members)
    people = case.before.records("profile")
    case.said("reached", len(reached))
    case.said("members", len(members))
    case.said("without_number", sum(not people[one]["phone_number"] for one in members))
    case.said(
        "without_consent",
        sum(bool(people[one]["phone_number"]) and case.before.consent(one, SMS) != "SUBSCRIBED" for one in members),
    )
    allow_estimating(case, identifier)


def details_of(case: Case) -> JSON:
    """What the one variation of a new campaign says, which has one audience."""
    case.one("campaign_audience")
    _, variation = case.one("campaign_variation")
    return variation.get("definition", {}).get("details") or {}


def allow_estimating(case: Case, campaign: str) -> None:
    for table in ("campaign_recipient_estimation_job", "campaign_recipient_estimation"):
        case.allow(table, campaign)


TASKS = (
    Task(
        4,
        "A segment of repeat buyers",
        f"I need a segment called {SEGMENT}: everybody with two orders or more in the last 90 days whom we can reach "
        "by email. How many people is that?",
        _check_segment,
        (7, 6),
        {"people": "how many are in the segment"},
    ),
    Task(
        8,
        "Import visitors from a file",
        "Here are the people we met at the expo, as a CSV. Import all rows that are fine, with a property source = "
        "expo, without signing anybody up. Leave out rows with a wrong address or a wrong phone number, and of a "
        "person who is in twice the second row. Tell me exactly which rows are not in and why (row 1 is the first "
        "below the header).\n\n{csv}",
        _check_imported,
        (9, 30),
        {
            "imported": "how many people are in",
            "bad_addresses": "numbers of the rows left out for their address",
            "bad_phones": "numbers of the rows left out for their phone number",
            "duplicates": "numbers of the rows left out as second ones",
        },
        _expo,
        must_not=(*MUST_NOT, "bulk_subscribe_profiles"),
    ),
    Task(
        18,
        "Newsletter without the silent",
        "Clean up the Newsletter: take off everybody who got mail from us in the last 180 days and neither opened nor "
        "clicked anything in that time. Only off the list, do not suppress or unsubscribe anybody. Go ahead without "
        "asking me again and tell me how many it was.",
        _check_taken_off,
        (17, 15),
        {"removed": "how many were taken off"},
        must_not=("send_campaign", "bulk_suppress_profiles", "bulk_unsubscribe_profiles", "delete_list"),
    ),
    Task(
        21,
        "A text to VIP customers",
        "Draft a text message campaign to VIP customers: 'VIPs get 20% off packs today.' Do not send it. How many of "
        "them would get it, and what about the others: how many have no phone number, how many have one but never "
        "agreed to texts (or do not any more)?",
        _check_texts,
        (10, 42),
        {
            "members": "people on the list",
            "reached": "how many would get the text",
            "without_number": "members without a phone number",
            "without_consent": "members with a number and without consent to marketing texts",
        },
    ),
)
