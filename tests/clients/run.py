"""Take the clients of clients.toml on their trips over stdio and over HTTP, and write docs/clients.md. `make clients`.

With names of clients only those go, and nothing is written; the name "conformance" stands for the conformance suite.
Exit status 1 says that a trip or a check failed, 2 that a name is not known.
"""

import sys

from conformance import Conformance, run_conformance
from environments import Unbuildable
from report import PAGE, Trips, line, write_page
from travelling import Client, NotListening, listing, load_clients, travel
from trip import ROUTES, Listing, Trip

TRANSPORTS = ("stdio", "http")
CONFORMANCE = "conformance"


def main(names: list[str]) -> int:
    """Make the trips, tell each as it ends, and sum up."""
    clients = load_clients()
    if unknown := set(names) - {*clients, CONFORMANCE}:
        print(f"Not known: {', '.join(sorted(unknown))}. There are: {', '.join([*clients, CONFORMANCE])}.")
        return 2
    listed = {route.name: listing(route) for route in ROUTES}
    found = [(client, go(client, listed)) for name, client in clients.items() if not names or name in names]
    failed = [
        f"{client.name}, {trip.route.name} over {transport}"
        for client, trips in found
        for (_, transport), trip in trips.items()
        if not trip.complete(listed[trip.route.name])
    ]
    if not names or CONFORMANCE in names:
        conformance = conform()
        if conformance.problems:
            failed.append(CONFORMANCE)
        if not names:
            write_page(found, listed, conformance)
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


def conform() -> Conformance:
    """The conformance suite, told as it ends."""
    try:
        found = run_conformance()
    except (Unbuildable, NotListening) as error:
        found = Conformance(CONFORMANCE, problems=[f"{type(error).__name__}: {error}"])
    for revision, (passed, exempt) in found.counts.items():
        print(f"conformance {revision}: {passed} checks passed, {exempt} do not apply")
    for problem in found.problems:
        print(f"FAILED  conformance {problem}")
    for warning in found.warnings:
        print(f"warned  conformance {warning}")
    return found


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
