"""Calls and requests as OpenTelemetry's spans and measurements, by its API alone; `exporters` says where they go.

Names follow the semantic conventions for MCP servers, generative AI and HTTP clients where these have one, and begin
with `klaviyo_mcp.` where not. Imported only in a process that has loaded the SDK.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from functools import cache
from time import perf_counter
from typing import Any

from opentelemetry import metrics, trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from klaviyo_mcp import __version__
from klaviyo_mcp.klaviyo.watching import Exchange, error_type
from klaviyo_mcp.runtime.call_watch import CallWatch

CALL_SECONDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300)
"""Buckets of the durations of calls and waits, as the conventions for MCP have them."""
REQUEST_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
"""Buckets of the durations of requests, as the conventions for HTTP have them."""

Attributes = dict[str, str | int | float]


@cache
def telemetry() -> "OpenTelemetry":
    """The one of this process, as there is one provider of tracers and meters in it."""
    return OpenTelemetry()


class OpenTelemetry:
    """Makes the spans and measurements of calls."""

    def __init__(self) -> None:
        """Whatever providers the process has are used."""
        self._tracer = trace.get_tracer("klaviyo_mcp", __version__)
        meter = metrics.get_meter("klaviyo_mcp", __version__)
        self._calls = meter.create_counter("klaviyo_mcp.calls", "{call}", "Calls that have ended, by their outcome")
        self._active = meter.create_up_down_counter("klaviyo_mcp.active_calls", "{call}", "Calls in flight")
        self._duration = meter.create_histogram(
            "mcp.server.operation.duration",
            "s",
            "How long calls take",
            explicit_bucket_boundaries_advisory=CALL_SECONDS,
        )
        self._requests = meter.create_histogram(
            "http.client.request.duration",
            "s",
            "How long requests to Klaviyo take; a status of 429 is one that had no quota left",
            explicit_bucket_boundaries_advisory=REQUEST_SECONDS,
        )
        self._refreshes = meter.create_counter(
            "klaviyo_mcp.upstream.refresh", "{refresh}", "Renewals of access tokens at Klaviyo, by their outcome"
        )
        self._waits = meter.create_histogram(
            "klaviyo_mcp.quota.wait",
            "s",
            "How long calls that had to wait for quota waited",
            explicit_bucket_boundaries_advisory=CALL_SECONDS,
        )

    def refreshed(self, outcome: str) -> None:
        """Count a renewal of an access token at Klaviyo: ok, refused, or failed."""
        self._refreshes.add(1, {"outcome": outcome})

    @contextmanager
    def call(self, watch: CallWatch, meta: Mapping[str, Any] | None) -> Generator[None]:
        """The span of a call; the trace that `meta` names goes on with it."""
        told: Attributes = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": watch.action}
        if meta is not None:
            told["mcp.method.name"] = "tools/call"
        name = f"{'tools/call' if meta is not None else 'execute_tool'} {watch.action}"
        kind = SpanKind.SERVER if meta is not None else SpanKind.INTERNAL
        began = perf_counter()
        self._active.add(1)
        try:
            with self._span(name, kind, told, _parent(meta)) as span:
                try:
                    yield
                finally:
                    _finish_call(span, watch)
        finally:
            self._active.add(-1)
            self._measure(watch, told, perf_counter() - began)

    def _measure(self, watch: CallWatch, told: Attributes, seconds: float) -> None:
        tool = {"gen_ai.tool.name": watch.action}
        outcome = {"klaviyo_mcp.effect": watch.effect, "klaviyo_mcp.outcome": watch.outcome}
        self._calls.add(1, {**tool, **outcome})
        self._duration.record(seconds, told | ({"error.type": watch.outcome} if watch.failed else {}))
        if watch.waited:
            self._waits.record(watch.waited, tool)

    @contextmanager
    def exchange(self, exchange: Exchange) -> Generator[None]:
        """The span of a request. Klaviyo is told nothing of it."""
        told: Attributes = {"http.request.method": exchange.method, "server.address": exchange.host}
        if exchange.template:
            told["url.template"] = exchange.template
        if exchange.port is not None:
            told["server.port"] = exchange.port
        name = f"{exchange.method} {exchange.template}".strip()
        began = perf_counter()
        with self._span(name, SpanKind.CLIENT, told) as span:
            if exchange.operation:
                span.set_attribute("klaviyo_mcp.operation", exchange.operation)
            if exchange.resends:
                span.set_attribute("http.request.resend_count", exchange.resends)
            try:
                yield
            except BaseException as problem:
                told["error.type"] = error_type(problem)
                raise
            finally:
                if exchange.status is not None:
                    told["http.response.status_code"] = exchange.status
                    if exchange.status >= 400:
                        told["error.type"] = str(exchange.status)
                span.set_attributes(told)
                if "error.type" in told:
                    span.set_status(StatusCode.ERROR)
                self._requests.record(perf_counter() - began, told)

    @contextmanager
    def _span(self, name: str, kind: SpanKind, told: Attributes, parent: Context | None = None) -> Generator[Span]:
        """The current span. What is raised within is not recorded: its text may hold anything."""
        with self._tracer.start_as_current_span(
            name, parent, kind, told, record_exception=False, set_status_on_exception=False
        ) as span:
            yield span


def _finish_call(span: Span, watch: CallWatch) -> None:
    told: Attributes = {
        "klaviyo_mcp.call_id": watch.call_id,
        "klaviyo_mcp.effect": watch.effect,
        "klaviyo_mcp.outcome": watch.outcome,
        "klaviyo_mcp.requests": watch.requests,
        "klaviyo_mcp.pages": watch.pages,
        "klaviyo_mcp.quota.waited": watch.waited,
    }
    span.set_attributes(told)
    if watch.failed:
        span.set_attribute("error.type", watch.outcome)
        span.set_status(StatusCode.ERROR)


def _parent(meta: Mapping[str, Any] | None) -> Context | None:
    """The trace that a request says it belongs to, by W3C's Trace Context; None when it says none that can be read."""
    words = (
        {name: meta[name] for name in ("traceparent", "tracestate") if isinstance(meta.get(name), str)} if meta else {}
    )
    return TraceContextTextMapPropagator().extract(words) if "traceparent" in words else None
