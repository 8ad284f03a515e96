"""What is measured of the hosted service besides its calls, by OpenTelemetry's API, and the port that shows it.

Nothing is imported for it where no SDK is loaded. No label says whose anything is: no account, grant, client, address.
"""

import sys
from collections.abc import Callable, Collection, Iterable
from functools import cache
from time import perf_counter
from typing import TYPE_CHECKING

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from klaviyo_mcp import __version__
from klaviyo_mcp.runtime.settings import SettingsError

if TYPE_CHECKING:
    from opentelemetry.metrics import CallbackOptions, Counter, Histogram, Meter, Observation

    from klaviyo_mcp.jobs.store import Tally

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def oauth_event(step: str, outcome: str, family: str) -> None:
    """A step of OAuth: how it ended, by a word of ours or of OAuth's, and which family of clients asked."""
    if measures():
        labels = {"step": step, "outcome": outcome, "client_family": family}
        _counter("klaviyo_mcp.oauth.events", "{event}", "Steps of OAuth, by how they ended").add(1, labels)


def limited(route: str) -> None:
    """A request that was answered with 429."""
    if measures():
        _counter("klaviyo_mcp.rate_limited", "{request}", "Requests that were one too many").add(1, {"route": route})


def watch_grants(count: Callable[[], int]) -> None:
    """Have the number of grants that this instance has in use be read whenever measurements are."""
    if not measures():
        return
    from opentelemetry.metrics import Observation  # only where an SDK is loaded, as below

    def observed(_options: "CallbackOptions") -> "Iterable[Observation]":
        return [Observation(count())]

    _meter().create_observable_gauge(
        "klaviyo_mcp.grants", [observed], "{grant}", "Grants that this instance has served lately and keeps open"
    )


def watch_jobs(tally: "Callable[[], Tally | None]") -> None:
    """Have jobs and their rows be counted whenever measurements are read; None while no database of them is open."""
    if not measures():
        return
    from opentelemetry.metrics import Observation

    def observed(which: str) -> "Callable[[CallbackOptions], Iterable[Observation]]":
        def observe(_options: "CallbackOptions") -> "Iterable[Observation]":
            found = tally()
            counts = (found.jobs if which == "jobs" else found.rows) if found else {}
            return [Observation(count, {"state": state}) for state, count in counts.items()]

        return observe

    words = "that all instances have together"
    _meter().create_observable_gauge("klaviyo_mcp.jobs", [observed("jobs")], "{job}", f"Jobs {words}, by state")
    _meter().create_observable_gauge(
        "klaviyo_mcp.job.rows", [observed("rows")], "{row}", f"Rows of unfinished jobs {words}: ready, sent, done"
    )


def measures() -> bool:
    """Whether anything is measured: an SDK is loaded, by our exporters or by others."""
    return "opentelemetry.sdk" in sys.modules


class Timed:
    """Measures how long requests take. Comes before all else."""

    def __init__(self, app: ASGIApp, routes: Collection[str]) -> None:
        """`app` comes behind. `routes` are the paths that may be told; strangers make up others."""
        self._app = app
        self._routes = frozenset(routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http" or not measures():
            await self._app(scope, receive, send)
            return
        method, path = scope["method"], scope["path"]
        labels: dict[str, str | int] = {"http.request.method": method if method in METHODS else "_OTHER"}
        if path in self._routes:
            labels["http.route"] = path

        async def noticing(message: Message) -> None:
            if message["type"] == "http.response.start":
                labels["http.response.status_code"] = message["status"]
            await send(message)

        began = perf_counter()
        try:
            await self._app(scope, receive, noticing)
        finally:
            _durations().record(perf_counter() - began, labels)


def show_measurements(host: str, port: int) -> None:
    """Serve /metrics for Prometheus at a port of its own, from a thread. Raises SettingsError when it cannot be had."""
    from prometheus_client import start_http_server  # only where this is asked for

    try:
        start_http_server(port, host)
    except OSError as error:
        raise SettingsError(f"KLAVIYO_MCP_METRICS_PORT: {host} port {port} cannot be had ({error.strerror}).") from None


@cache
def _meter() -> "Meter":
    from opentelemetry import metrics

    return metrics.get_meter("klaviyo_mcp", __version__)


@cache
def _counter(name: str, unit: str, description: str) -> "Counter":
    return _meter().create_counter(name, unit, description)


@cache
def _durations() -> "Histogram":
    from klaviyo_mcp.runtime.telemetry import REQUEST_SECONDS

    return _meter().create_histogram(
        "http.server.request.duration",
        "s",
        "How long requests to this server take",
        explicit_bucket_boundaries_advisory=REQUEST_SECONDS,
    )
