"""Watching calls: a line in the log for each, and a span and measurements where the process exports them.

What is told of a call is how it went, never what it was about: no argument, no id, no query, no body, no text that came
from a client or from Klaviyo. The name of the account, which people choose, is told to the log alone.
"""

import asyncio
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager, nullcontext
from time import perf_counter
from typing import Any

from klaviyo_mcp.klaviyo.watching import watcher
from klaviyo_mcp.registry.registry import Registry
from klaviyo_mcp.runtime.call_watch import CallWatch, Telemetry

UNKNOWN_ACTION = "unknown"
"""Stands for the name of an action that does not exist: what a client wrote is not repeated."""


@contextmanager
def watched(registry: Registry, name: str, meta: Mapping[str, Any] | None) -> Generator[CallWatch]:
    """Watch a call of `name` within this block, and tell of it at the end.

    `meta` is the `_meta` of an MCP request, which may say what trace it belongs to; None for calls that are none.
    """
    action = registry.get(name)
    telemetry = _telemetry()
    watch = CallWatch(action.name, action.effect, telemetry) if action else CallWatch(UNKNOWN_ACTION, "none", telemetry)
    before, began = watcher.set(watch), perf_counter()
    try:
        with telemetry.call(watch, meta) if telemetry else nullcontext():
            try:
                yield watch
            except asyncio.CancelledError:
                watch.outcome = "cancelled"
                raise
    finally:
        watcher.reset(before)
        watch.tell(began)


def _telemetry() -> Telemetry | None:
    """OpenTelemetry where its SDK is loaded, by our exporters or by others; else nothing is imported for it."""
    if "opentelemetry.sdk" not in sys.modules:
        return None
    from klaviyo_mcp.runtime.telemetry import telemetry  # see above

    return telemetry()
