"""Writing down calls: every one that changes something or was refused or held, reads where it is asked for.

A call that changes something is two entries: `intent` before anything is sent, `outcome` after, so that a crash in
between leaves a trace. If the first cannot be written, the call is refused.
"""

import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

import anyio
import anyio.to_thread

from klaviyo_mcp.actions.amounts import items_of
from klaviyo_mcp.actions.errors import ActionError
from klaviyo_mcp.actions.plan import Plan
from klaviyo_mcp.klaviyo.words import one_line
from klaviyo_mcp.loose_json import JSON, mapping
from klaviyo_mcp.registry.registry import Action
from klaviyo_mcp.runtime.audit_file import AuditFile, AuditProblem
from klaviyo_mcp.runtime.redaction import redacted

log = logging.getLogger("klaviyo_mcp")

LONGEST_CLIENT = 100
MOST_REQUESTS = 20
"""Kinds of requests of one plan that are told."""
MOST_IDS = 50


class AuditUnavailable(ActionError):
    """The call could not be written down; nothing was sent to change anything."""

    code = "audit_unavailable"
    looked = True
    advice = (
        "Tell the user: every change is written down first, and whoever runs this server has to make that possible "
        "again. Until then nothing can be changed."
    )


@dataclass(frozen=True, slots=True)
class Audit:
    """Where calls are written down, and on behalf of which client: its name and version, as it says itself."""

    file: AuditFile
    reads: bool = False
    client: str = ""

    def takes(self, effect: str) -> bool:
        """Whether calls of this effect are written down."""
        return effect in ("write", "destructive") or (self.reads and effect == "read")

    async def write(self, entry: JSON) -> None:
        """Add an entry, also while the call is being cancelled. Raises AuditUnavailable."""
        moment = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        try:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(partial(self.file.append, {"at": moment, **entry}))
        except AuditProblem as problem:
            log.error("the audit log: %s", problem)
            raise AuditUnavailable(f"The audit log {problem}, and nothing is done that is not written down.") from None

    async def left(self, call_id: str, action: str) -> None:
        """A client was gone before it got the answer to a call."""
        await self.tried({"phase": "left", "call_id": call_id, "client": self.client, "action": action})

    async def tried(self, entry: JSON) -> bool:
        """Add an entry about what is over; whether it was possible, which the log says else."""
        try:
            await self.write(entry)
        except AuditUnavailable:
            return False
        return True


@dataclass(slots=True)
class Record:
    """What is written down of one call. Does nothing without an audit.

    `tool` is set for a call of the server's own, which is written down whatever it was for.
    """

    audit: Audit | None
    call_id: str
    name: str
    action: Action | None
    arguments: object
    tool: str = ""
    account: str = ""
    plan: Plan | None = None
    confirmation: JSON = field(default_factory=dict[str, Any])
    begun: bool = False
    request_ids: list[str] = field(default_factory=list[str])

    @property
    def effect(self) -> str:
        """That of the plan, as soon as there is one."""
        return self.plan.effect if self.plan else self.action.effect if self.action else "none"

    @property
    def wanted(self) -> bool:
        """Whether this call is written down."""
        return self.audit is not None and (bool(self.tool) or self.audit.takes(self.effect))

    async def intend(self, people: int | None = None) -> None:
        """The call is about to be carried out. Raises AuditUnavailable."""
        if self.audit is not None and self.wanted:
            await self.audit.write(self._entry("intent", people=people))
            self.begun = True

    async def held(self, people: int | None, token: str) -> None:
        """The call waits for a yes. Raises AuditUnavailable."""
        if self.audit is not None and self.wanted:
            self.confirmation = {"by": "token", "id": token_id(token)}
            await self.audit.write(self._entry("held", people=people))

    async def end(self, error: JSON | None) -> bool:
        """The call is over, with this error or none; False when that could not be written down."""
        if self.audit is None or not self.wanted:
            return True
        if not self.begun:
            return error is None or await self.audit.tried({**self._entry("refused"), "outcome": error.get("code")})
        ids = [*self.request_ids, *([error["request_id"]] if error and error.get("request_id") else [])]
        entry: JSON = {
            "phase": "outcome",
            "call_id": self.call_id,
            "action": self.action.name if self.action else "",
            "outcome": error.get("code") if error else "done",
            "became": error.get("outcome") if error else None,
            "status": error.get("status") if error else None,
            "request_ids": ids[:MOST_IDS],
        }
        return await self.audit.tried({key: value for key, value in entry.items() if value not in (None, [])})

    def _entry(self, phase: str, people: int | None = None) -> JSON:
        audit, action = self.audit, self.action
        assert audit is not None  # noqa: S101 - nothing else asks for an entry
        given = self.plan.arguments if self.plan else self.arguments
        entry: JSON = {
            "phase": phase,
            "call_id": self.call_id,
            "client": one_line(audit.client, LONGEST_CLIENT),
            "account": self.account,
            "action": action.name if action else self.tool or audit.file.hashed(self.name),
            "effect": self.effect if action else "",
            "arguments": redacted(given, action.spec if action else None, audit.file.hashed),
            "plan": {**_told(self.plan), **({"people": people} if people is not None else {})} if self.plan else {},
            "confirmation": self.confirmation,
        }
        return {key: value for key, value in entry.items() if value not in ("", {}, None)}


def token_id(token: str) -> str:
    """What tells a token from others, and confirms nothing."""
    parts = token[:200].split(".")
    return parts[2][:20] if len(parts) == 5 and parts[2].isalnum() else ""


def _told(plan: Plan) -> JSON:
    """The requests of a plan by method and template, how often each is sent and how many records it works on."""
    found: dict[tuple[str, str], JSON] = {}
    later = [str(step.step.action) for part in plan.parts() for step in part.steps or () if step.calls is None]
    for part in plan.parts():
        if (request := part.request) is not None:
            told = found.setdefault(
                (request.method, request.template),
                {"method": request.method, "path": request.template, "times": 0, "items": 0},
            )
            told["times"] += 1
            told["items"] += items_of(request) if part.effect != "read" else 0
    requests = list(found.values())[:MOST_REQUESTS]
    return {"requests": requests, **({"later": later} if later else {})}


def error_of(data: JSON) -> JSON | None:
    """The error of an answer, None for another."""
    return mapping(data["error"]) if "error" in data else None
