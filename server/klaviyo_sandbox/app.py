"""The ASGI app: from an HTTP request to an operation and back, plus the sandbox's own endpoints under /_sandbox."""

import re
from collections.abc import Collection
from pathlib import Path

from starlette.applications import Starlette
from starlette.routing import Route

from klaviyo_sandbox.clock import Clock, ScaledClock, ShiftedClock, SystemClock
from klaviyo_sandbox.control import control_routes
from klaviyo_sandbox.faults.declared import Faults, load_faults
from klaviyo_sandbox.faults.fault_injection import Sandbox
from klaviyo_sandbox.oauth.endpoints import oauth_routes
from klaviyo_sandbox.pages.home import home_routes
from klaviyo_sandbox.serving import Api
from klaviyo_sandbox.state import State
from klaviyo_sandbox.storage.grants import ACCESS_TOKEN_SECONDS


def create_app(
    *,
    state: Path | None = None,
    seed: int = 1,
    profiles: int = 400,
    clock: Clock | None = None,
    rate_limits: bool = True,
    estimation_seconds: float = 2.0,
    event_delay: float = 0.0,
    job_seconds: float = 1.0,
    speed: float = 1.0,
    faults: Path | None = None,
    auto_approve: bool = False,
    access_token_seconds: int = ACCESS_TOKEN_SECONDS,
    without: Collection[str] = (),
) -> Starlette:
    """A sandbox of its own. Nothing is opened or filled before the first request.

    state: the file to keep state in; None keeps it in memory. A file that already holds a sandbox is used as it is.
    seed, profiles: which demo shop to fill an empty state with, and how many customers it has
    clock: where every moment in the sandbox comes from; the machine's clock by default
    rate_limits: whether Klaviyo's rate limits apply
    estimation_seconds: how long a campaign's recipient estimation takes
    event_delay: seconds before an accepted event is processed and can be read
    job_seconds: how long a bulk job takes
    speed: how fast time passes in the sandbox; at 60, a minute of it is a second of the clock
    faults: a YAML or JSON file of faults to inject (see `faults`); raises InvalidFaults when it holds something else
    auto_approve: whether OAuth's consent page gives consent by itself
    access_token_seconds: how long an OAuth access token lives
    without: features that Klaviyo enables for some accounts only, and these do not have (see `entitlements`); raises
        UnknownFeature for others
    """
    clock = clock or SystemClock()
    running = State(
        file=state,
        seed=seed,
        profiles=profiles,
        clock=ShiftedClock(clock if speed == 1 else ScaledClock(clock, speed)),
        rate_limits=rate_limits,
        estimation_seconds=estimation_seconds,
        event_delay=event_delay,
        job_seconds=job_seconds,
        faults=Faults(seed, load_faults(faults) if faults else ()),
        auto_approve=auto_approve,
        access_token_seconds=access_token_seconds,
        without=without,
    )
    api = Api(running)
    rest = Route("/{path:path}", api)
    # An id may hold a line break, which "{path:path}" does not match.
    rest.path_regex = re.compile(rest.path_regex.pattern, re.DOTALL)
    return Sandbox(routes=[*control_routes(running), *oauth_routes(running), *home_routes(running, api), rest])
