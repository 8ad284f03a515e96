"""Where spans and measurements go, by the environment variables that OpenTelemetry's specification names.

Needs the extra `klaviyo-mcp[otel]`. Nothing is imported unless a variable asks for it, and a process that has its own
providers, as under `opentelemetry-instrument`, keeps them.
"""

import logging
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

from klaviyo_mcp import __version__
from klaviyo_mcp.runtime.settings import SettingsError

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricReader
    from opentelemetry.sdk.trace import SpanProcessor

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
EXPORTERS = {"traces": ("otlp", "console", "none"), "metrics": ("otlp", "prometheus", "console", "none")}
"""What each signal can be sent to. Console is stderr: over stdio, stdout is the protocol's."""


NEEDED = {"otlp": "opentelemetry.exporter.otlp.proto.http", "prometheus": "opentelemetry.exporter.prometheus"}
"""The modules of exporters that do not come with the SDK."""
PATIENCE = 5_000
"""Milliseconds that a server which ends waits for each signal to be taken."""


@dataclass(frozen=True, slots=True)
class Exporting:
    """What is exported. `page` makes the text of /metrics and its media type, where Prometheus is to read it.

    `flush` sends what is waiting, for a process that a signal is about to end; at any other end this happens by itself.
    """

    flush: Callable[[], None]
    page: Callable[[], tuple[bytes, str]] | None


def start_exporting(*, over_http: bool = False, port: int | None = None) -> Exporting | None:
    """Begin to export what the environment asks for; None when that is nothing.

    `over_http` says whether there is a server that can show /metrics, `port` where Prometheus asks for measurements
    whatever the environment says. Raises SettingsError for what cannot be followed, or when the extra is missing.
    """
    exporting = _asked(over_http=over_http, prometheus=port is not None)
    if port is not None and (exporting is None or exporting.page is None):
        raise SettingsError(
            "KLAVIYO_MCP_METRICS_PORT shows what this process measures by itself, and OTEL_SDK_DISABLED, or an SDK "
            "that was loaded before, keeps it from measuring. Unset one of the two."
        )
    return exporting


def _asked(*, over_http: bool, prometheus: bool) -> Exporting | None:
    if os.environ.get("OTEL_SDK_DISABLED", "").strip().casefold() == "true":
        return None
    wanted = {signal: _wanted(signal) for signal in EXPORTERS}
    if prometheus and "prometheus" not in wanted["metrics"]:
        wanted["metrics"].append("prometheus")
    if not any(wanted.values()):
        return None
    if "prometheus" in wanted["metrics"] and not (over_http or prometheus):
        raise SettingsError(
            "OTEL_METRICS_EXPORTER=prometheus shows measurements at /metrics, which only 'serve --transport http' has, "
            "and a hosted service at KLAVIYO_MCP_METRICS_PORT. Send them with otlp instead, or set it to none."
        )
    _check(wanted)
    return _start(wanted)


def _wanted(signal: str) -> list[str]:
    """The exporters of a signal: those that are named, or OTLP where only an endpoint is given."""
    variable = f"OTEL_{signal.upper()}_EXPORTER"
    named = [name.strip() for name in os.environ.get(variable, "").split(",") if name.strip()]
    if unknown := [name for name in named if name not in EXPORTERS[signal]]:
        raise SettingsError(f"{variable}: {unknown[0]!r} is none of {', '.join(EXPORTERS[signal])}.")
    if not named and any(os.environ.get(name) for name in (ENDPOINT, f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT")):
        named = ["otlp"]
    return [name for name in named if name != "none"]


def _check(wanted: dict[str, list[str]]) -> None:
    for signal, names in wanted.items():
        for variable in (f"OTEL_EXPORTER_OTLP_{signal.upper()}_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"):
            protocol = os.environ.get(variable) or "http/protobuf"
            if "otlp" in names and protocol != "http/protobuf":
                raise SettingsError(f"{variable}: klaviyo-mcp sends http/protobuf (port 4318), not {protocol!r}.")
    modules = ["opentelemetry.sdk", *(NEEDED[name] for names in wanted.values() for name in names if name in NEEDED)]
    if not all(map(_is_installed, modules)):
        raise SettingsError(
            "OTEL_… or KLAVIYO_MCP_METRICS_PORT asks for OpenTelemetry, whose exporters are not installed. "
            "Install 'klaviyo-mcp[otel]', or unset the port and set OTEL_SDK_DISABLED=true."
        )


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # not even what it is a part of
        return False


def _start(wanted: dict[str, list[str]]) -> Exporting | None:
    # 0.2 s that only who asks for it pays, here and below.
    from opentelemetry import metrics, trace
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

    # Each batch that cannot be sent is told once, as an error, and not at each try.
    logging.getLogger("opentelemetry").setLevel(logging.ERROR)
    if not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        return None
    resource = Resource.create()
    if str(resource.attributes.get("service.name", "")).startswith("unknown_service"):
        resource = resource.merge(Resource({"service.name": "klaviyo-mcp", "service.version": __version__}))
    tracers = TracerProvider(resource=resource)
    for name in wanted["traces"]:
        tracers.add_span_processor(_span_processor(name))
    trace.set_tracer_provider(tracers)
    meters = MeterProvider([_metric_reader(name) for name in wanted["metrics"]], resource)
    metrics.set_meter_provider(meters)

    def flush() -> None:
        tracers.force_flush(PATIENCE)
        meters.force_flush(PATIENCE)

    return Exporting(flush, _page if "prometheus" in wanted["metrics"] else None)


def _span_processor(name: str) -> "SpanProcessor":
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter

    if name == "console":
        return BatchSpanProcessor(ConsoleSpanExporter(out=sys.stderr))
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return BatchSpanProcessor(OTLPSpanExporter())


def _metric_reader(name: str) -> "MetricReader":
    from opentelemetry.sdk.metrics.export import ConsoleMetricExporter, PeriodicExportingMetricReader

    if name == "console":
        return PeriodicExportingMetricReader(ConsoleMetricExporter(out=sys.stderr))
    if name == "prometheus":
        from opentelemetry.exporter.prometheus import PrometheusMetricReader

        return PrometheusMetricReader()
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

    return PeriodicExportingMetricReader(OTLPMetricExporter())


def _page() -> tuple[bytes, str]:
    from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

    return generate_latest(), CONTENT_TYPE_LATEST
