"""How one call goes: what is counted of it, and the line that the log has of it."""

import logging
import os
from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Protocol

from klaviyo_mcp.klaviyo.watching import Exchange, error_type

log = logging.getLogger("klaviyo_mcp.calls")


class Telemetry(Protocol):
    """Where spans and measurements go."""

    def call(self, watch: "CallWatch", meta: Mapping[str, Any] | None) -> AbstractContextManager[object]:
        """A span for a call, and its measurements when the block ends. `meta` is that of the MCP request."""
        ...

    def exchange(self, exchange: Exchange) -> AbstractContextManager[object]:
        """A span for a request, within that of the call."""
        ...

    def refreshed(self, outcome: str) -> None:
        """Count a renewal of an access token."""
        ...


@dataclass(slots=True)
class CallWatch:
    """How a call goes. `outcome` is "ok", the code of the error that it was answered with, or "cancelled".

    `requests` counts what was sent to Klaviyo, `pages` the pages of a listing; `waited` is seconds spent on quota.
    `call_id` is in the log, in the span, and in the answer, so that a user can quote it.
    """

    action: str
    effect: str
    telemetry: Telemetry | None
    call_id: str = field(default_factory=lambda: os.urandom(6).hex())
    account: str = ""
    outcome: str = "ok"
    requests: int = 0
    pages: int = 0
    waited: float = 0.0

    @property
    def failed(self) -> bool:
        """Whether it came to anything but an answer that was asked for."""
        return self.outcome != "ok"

    @contextmanager
    def exchange(self, exchange: Exchange) -> Generator[None]:
        """Count a request, and say what became of it to the log (at level debug) and to whoever exports."""
        self.requests += 1
        began, error = perf_counter(), ""
        try:
            with self.telemetry.exchange(exchange) if self.telemetry else nullcontext():
                yield
        except BaseException as problem:
            error = error_type(problem)
            raise
        finally:
            told = {
                "method": exchange.method,
                "template": exchange.template,
                "status": exchange.status,
                "error": error,
                "ms": milliseconds(began),
                "resends": exchange.resends,
                "call_id": self.call_id,
            }
            log.debug("request", extra={"fields": told})

    def waits(self, seconds: float) -> None:
        """Count a wait for quota."""
        self.waited += seconds

    def refreshed(self, outcome: str) -> None:
        """Tell who exports of a renewal."""
        if self.telemetry:
            self.telemetry.refreshed(outcome)

    def tell(self, began: float) -> None:
        """The line of the call. One that was given up while it may have changed something is a warning."""
        level = logging.WARNING if self.outcome == "cancelled" and self.wrote else logging.INFO
        told = {
            "action": self.action,
            "effect": self.effect,
            "outcome": self.outcome,
            "ms": milliseconds(began),
            "requests": self.requests,
            "pages": self.pages,
            "waited": round(self.waited, 3),
            "call_id": self.call_id,
            "account": self.account,
        }
        log.log(level, "call", extra={"fields": told})

    @property
    def wrote(self) -> bool:
        """Whether something was sent by an action that changes something."""
        return self.requests > 0 and self.effect != "read"


def milliseconds(began: float) -> int:
    """Since a moment of `perf_counter`."""
    return round((perf_counter() - began) * 1000)
