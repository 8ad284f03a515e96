"""Take the clients of clients.toml on their trips over stdio and over HTTP, and write docs/clients.md. `make clients`.

With names of clients only those go, and nothing is written. The name "conformance" stands for the conformance suite as
far as it needs no person, "hosted" for what logs in at the hosted service: the rest of the suite, and the Inspector.
Exit status 1 says that a trip or a check failed, 2 that a name is not known.
"""

import sys

from conformance import AUTHORIZATION, METADATA, REVISIONS, Conformance, run_conformance
from environments import Unbuildable
from hosted import LogIn, log_ins
from report import PAGE, Trips, line, write_page
from travelling import Client, NotListening, listing, load_clients, travel
from trip import DEFAULT, ROUTES, Listing, Trip

TRANSPORTS = ("stdio", "http")
CONFORMANCE, HOSTED = "conformance", "hosted"
PARTS = {CONFORMANCE: [*REVISIONS, METADATA], HOSTED: [AUTHORIZATION]}
"""Of the conformance suite, by name."""
INSPECTOR = "inspector"


def main(names: list[str]) -> int:
    """Make the trips, tell each as it ends, and sum up."""
    clients = load_clients()
    if unknown := set(names) - {*clients, *PARTS}:
        print(f"Not known: {', '.join(sorted(unknown))}. There are: {', '.join([*clients, *PARTS])}.")
        return 2
    chosen = names or [*clients, *PARTS]
    listed = {route.name: listing(route) for route in ROUTES}
    tools = listed[DEFAULT.name].tools
    found = [(client, go(client, listed)) for name, client in clients.items() if name in chosen]
    failed = [
        f"{client.name}, {trip.route.name} over {transport}"
        for client, trips in found
        for (_, transport), trip in trips.items()
        if not trip.complete(listed[trip.route.name])
    ]
    conformance = conform([part for name, parts in PARTS.items() if name in chosen for part in parts])
    failed += [CONFORMANCE] * bool(conformance.problems)
    entered = enter(clients[INSPECTOR], tools) if HOSTED in chosen else []
    failed += [f"{INSPECTOR}, {log_in.way}, {log_in.era}" for log_in in entered if not log_in.complete(tools)]
    if not names:
        write_page(found, listed, conformance, entered)
        print(f"Written: {PAGE.name}")
    print(f"Failed: {', '.join(failed)}." if failed else "All of them made the trip.")
    return 1 if failed else 0


def go(client: Client, listed: dict[str, Listing]) -> Trips:
    """The trips of one client. Whatever is wrong with one stops no other."""
    ways = [(route, transport) for route in ROUTES for transport in TRANSPORTS]
    trips: Trips = {}
    try:
        folder = client.build()
    except Unbuildable as error:
        remark = f"cannot be installed: {error}"
        trips = {(route.name, transport): Trip(route, remarks=[remark]) for route, transport in ways}
        folder = None
    for route, transport in ways:
        if folder:
            trips[route.name, transport] = travel(client, folder, route, transport, listed[route.name])
        print(line(client, transport, trips[route.name, transport], listed[route.name]), flush=True)
    return trips


def conform(parts: list[str]) -> Conformance:
    """Parts of the conformance suite, told as they end."""
    try:
        found = run_conformance(parts) if parts else Conformance(CONFORMANCE)
    except (Unbuildable, NotListening) as error:
        found = Conformance(CONFORMANCE, problems=[f"{type(error).__name__}: {error}"])
    for revision, (passed, exempt) in found.counts.items():
        print(f"conformance {revision}: {passed} checks passed, {exempt} do not apply")
    for problem in found.problems:
        print(f"FAILED  conformance {problem}")
    for warning in found.warnings:
        print(f"warned  conformance {warning}")
    return found


def enter(client: Client, tools: list[str]) -> list[LogIn]:
    """The Inspector's log-ins at the hosted service, told as they end."""
    entered = log_ins(client)
    for log_in in entered:
        verdict = "ok" if log_in.complete(tools) else "FAILED"
        print(f"{verdict}  {client.name}  {log_in.way}, {log_in.era}: {log_in.said(tools)}", flush=True)
    return entered


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
