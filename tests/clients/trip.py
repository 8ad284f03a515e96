"""The trip: what every client is asked to do, and whether what it got back is right."""

import json
from dataclasses import dataclass, field
from typing import Any, Literal

NAME = "Bücher 漢字 🎉"
MAYA = "01K048926JKM1SXGHCJGY2SZ9W"
"""A profile that every sandbox begins with; it has an address, a phone number and custom properties."""
KEPT = ("maya.lindqvist@example.org", "+15035558146", "Loyalty tier")
NOTHING_SENT = "Nothing was sent to Klaviyo."
"""What our refusals say, and no framework's."""

Verdict = Literal["ok", "own", "none", "failed", "missing"]
"""`own`: the client refused by itself, so the server was not asked. `none`: the step makes no sense for this client.
`missing`: the trip did not come so far."""
COLUMNS = {
    "read": "Read",
    "write": "Write",
    "back": "Read back",
    "wrong": "Wrong argument",
    "null_read": "Null, read",
    "null_write": "Null, write",
}


@dataclass
class Listing:
    """What the server lists, by the SDK's own client: the names of all tools, and for each its optional arguments."""

    tools: list[str]
    optional: dict[str, list[str]]

    def unset(self, tool: str, **given: Any) -> dict[str, Any]:
        """Arguments with null for all that are not given, as clients with strict schemas and CrewAI send them."""
        return dict.fromkeys(self.optional[tool]) | given


@dataclass
class Trip:
    """What one client did over one transport."""

    tools: list[str] = field(default_factory=list)
    steps: dict[str, Verdict] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    seconds: float = 0

    def complete(self, listing: Listing) -> bool:
        """Whether all tools were loaded and every step is right."""
        return self.tools == listing.tools and all(self.steps.get(step) in ("ok", "own", "none") for step in COLUMNS)


def calls(listing: Listing) -> list[dict[str, Any]]:
    """The calls of the trip in the order of COLUMNS."""
    by_name = [{"field": "name", "operator": "equals", "value": NAME}]
    by_email = [{"field": "email", "operator": "equals", "value": KEPT[0]}]
    return [
        {"tool": "get_profiles", "arguments": {"filter": by_email, "page_size": 1}},
        {"tool": "create_list", "arguments": {"name": NAME}},
        {"tool": "get_lists", "arguments": {"filter": by_name}},
        # Its form is ours to judge; a schema says no more than that it is text.
        {"tool": "get_list", "arguments": {"id": "not a list"}},
        {"tool": "get_lists", "arguments": listing.unset("get_lists")},
        {"tool": "update_profile", "arguments": listing.unset("update_profile", id=MAYA, title="VIP")},
    ]


def judge(lines: list[dict[str, Any]], *, alone: bool) -> tuple[dict[str, Verdict], list[str]]:
    """The verdict for each step by what the driver printed for it, and what there is to say of those that failed.

    `alone` says that each call had a server, and a sandbox, of its own.
    """
    answers = [line for line in lines if line.keys() & {"text", "error", "absent"}]
    steps: dict[str, Verdict] = {}
    remarks = []
    for index, step in enumerate(COLUMNS):
        if index >= len(answers) or "absent" in answers[index]:
            steps[step] = "missing"
            continue
        if alone and step == "back":
            # Each call had a server and a sandbox of its own, in which nothing had been made.
            steps[step] = "none"
            continue
        answer = answers[index]
        said = answer.get("text") or answer.get("error") or ""
        if step == "wrong":
            right = NOTHING_SENT in said and "not a list" in said
        else:
            right = "text" in answer and NOTHING_SENT not in said and all(holds(said, part) for part in EXPECTED[step])
        if right:
            steps[step] = "ok"
        elif step.startswith("null") and "error" in answer and NOTHING_SENT not in said:
            steps[step] = "own"
            remarks.append(f"{COLUMNS[step]}: the client itself refuses null ({short(said)})")
        else:
            steps[step] = "failed"
            remarks.append(f"{COLUMNS[step]}: {short(said)}")
    return steps, remarks


EXPECTED = {
    "read": KEPT,
    "write": (NAME,),
    "back": (NAME,),
    "null_read": ("Newsletter",),
    "null_write": (*KEPT, "VIP"),
}


def holds(text: str, part: str) -> bool:
    """Whether a text holds a part, as it is or as JSON writes it with ASCII alone."""
    return part in text or json.dumps(part)[1:-1] in text


def short(text: str) -> str:
    """One line of what was said."""
    line = " ".join(text.split())
    return line if len(line) <= 200 else f"{line[:197]}..."
