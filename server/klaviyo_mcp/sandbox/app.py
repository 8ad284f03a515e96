"""The ASGI app: from an HTTP request to an operation and back, plus the sandbox's own endpoints under /_sandbox."""

from pathlib import Path

from starlette.applications import Starlette
from starlette.routing import Route

from klaviyo_mcp.sandbox.clock import Clock, ShiftedClock, SystemClock
from klaviyo_mcp.sandbox.control import control_routes
from klaviyo_mcp.sandbox.service import Service


def create_app(
    *,
    state: Path | None = None,
    seed: int = 1,
    profiles: int = 400,
    clock: Clock | None = None,
    rate_limits: bool = True,
    estimation_seconds: float = 2.0,
    event_delay: float = 0.0,
) -> Starlette:
    """A sandbox of its own. Nothing is opened or filled before the first request.

    state: the file to keep state in; None keeps it in memory. A file that already holds a sandbox is used as it is.
    seed, profiles: which demo shop to fill an empty state with, and how many customers it has
    clock: where every moment in the sandbox comes from; the machine's clock by default
    rate_limits: whether Klaviyo's rate limits apply
    estimation_seconds: how long a campaign's recipient estimation takes
    event_delay: seconds before an accepted event is processed and can be read
    """
    service = Service(
        state=state,
        seed=seed,
        profiles=profiles,
        clock=ShiftedClock(clock or SystemClock()),
        rate_limits=rate_limits,
        estimation_seconds=estimation_seconds,
        event_delay=event_delay,
    )
    return Starlette(routes=[*control_routes(service), Route("/{path:path}", service)])
