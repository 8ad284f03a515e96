"""The one path a call takes, top to bottom: registry, safety, arguments, preconditions, request, Klaviyo, result."""

import json
from dataclasses import dataclass
from typing import Protocol

from klaviyo_mcp.actions.arguments import check_arguments
from klaviyo_mcp.actions.composites import plan_steps, run_steps
from klaviyo_mcp.actions.permission import Access, check_access, check_permitted
from klaviyo_mcp.actions.preconditions import check_live_preconditions, check_preconditions
from klaviyo_mcp.actions.registry import Action, Registry
from klaviyo_mcp.actions.request import build, fill
from klaviyo_mcp.actions.result import Answer, first_record, shape
from klaviyo_mcp.klaviyo import jsonapi
from klaviyo_mcp.klaviyo.client import KlaviyoClient
from klaviyo_mcp.klaviyo.errors import KlaviyoError, PermissionDenied, QuotaExhausted, Throttled
from klaviyo_mcp.klaviyo.requests import Outgoing, Patience, Reply
from klaviyo_mcp.loose_json import JSON, mapping, objects
from klaviyo_mcp.registry.model import ChooseRequest, StepsRequest


class Account(Protocol):
    """Whose Klaviyo a call is for: a client that holds its credentials, and what these are known to allow."""

    @property
    def client(self) -> KlaviyoClient:
        """The client of this account, and of no other."""
        ...

    @property
    def access(self) -> Access:
        """What is known of what the account's credentials allow."""
        ...


@dataclass(frozen=True, slots=True)
class Call:
    """What an agent asked for: the name of an action, and its arguments as they came in."""

    name: str
    arguments: object = None


class Engine:
    """Runs calls. Holds no account and no state between calls, so one engine serves any number of accounts."""

    def __init__(
        self,
        registry: Registry,
        *,
        exposed: Registry | None = None,
        read_only: bool = False,
        max_wait: float = 30.0,
    ) -> None:
        """`max_wait` is how many seconds one call may spend waiting for quota, all its requests together.

        `exposed` holds the actions that can be called, all by default; composites and preconditions use `registry`.
        """
        self.registry = registry
        self.exposed = exposed or registry
        self._read_only = read_only
        self._max_wait = max_wait

    async def run(self, call: Call, account: Account) -> Answer:
        """Carry out a call. Raises ActionError before, and KlaviyoError during, the exchange with Klaviyo."""
        action = self.exposed.find(call.name)
        check_permitted(action, read_only=self._read_only)
        check_access(action, account.access)
        arguments = check_arguments(action, call.arguments)
        check_preconditions(action, arguments)
        walk = _Walk(self.registry, account, Patience(self._max_wait))
        await check_live_preconditions(action, arguments, walk.read)
        return await walk.carry_out(action, arguments)

    def preview(self, call: Call) -> Answer:
        """What a call would send, without sending it: the same walk, stopped before Klaviyo. Raises ActionError."""
        action = self.exposed.find(call.name)
        check_permitted(action, read_only=self._read_only)
        arguments = check_arguments(action, call.arguments)
        check_preconditions(action, arguments)
        return Answer(_preview(self.registry, action, arguments), f"Preview of {action.name}: nothing was sent.")


@dataclass(frozen=True, slots=True)
class _Walk:
    """One call on its way: whose account it is for, and how long it may still wait."""

    registry: Registry
    account: Account
    patience: Patience

    async def carry_out(self, action: Action, arguments: JSON) -> Answer:
        """Send what an action needs; the arguments have been checked."""
        match action.spec.request:
            case StepsRequest() as request:
                return await run_steps(request, arguments, self._run_step, self._writes)
            case ChooseRequest() as request:
                chosen, inner = _choose(self.registry, request, arguments)
                return await self.carry_out(chosen, inner)
            case _:
                return await self._send(action, arguments)

    async def read(self, name: str, arguments: JSON) -> JSON:
        """The record that a precondition asks for."""
        return first_record(await self._run_step(name, arguments))

    async def _run_step(self, name: str, arguments: JSON) -> Answer:
        action = self.registry.find(name)
        return await self.carry_out(action, check_arguments(action, arguments))

    def _writes(self, name: str) -> bool:
        return self.registry.find(name).spec.effect != "read"

    async def _send(self, action: Action, arguments: JSON) -> Answer:
        wanted = arguments.get("max_records")
        if not action.spec.result.paged or wanted is None:
            return shape(action, arguments, [await self._send_one(action, arguments)])
        return await self._send_pages(action, arguments, wanted)

    async def _send_one(self, action: Action, arguments: JSON) -> Reply:
        try:
            return await self.account.client.send(build(action, arguments), self.patience)
        except KlaviyoError as error:
            error.reading = action.spec.effect == "read"
            if isinstance(error, PermissionDenied):
                await self.account.access.learn(action.name, action.spec.scopes, error)
            raise

    async def _send_pages(self, action: Action, arguments: JSON, wanted: int) -> Answer:
        """Page after page until `wanted` records are there, the pages end, or the quota does, or the answer is full."""
        replies: list[Reply] = []
        count = size = 0
        while True:
            try:
                reply = await self._send_one(action, _page(action, arguments, wanted, count, size))
            except (QuotaExhausted, Throttled) as error:
                if not replies:
                    raise
                note = f"Stopped after {count} records: {error.message} Go on with next_cursor."
                return shape(action, arguments, replies, (note,))
            replies.append(reply)
            document = mapping(reply.document)
            records = [jsonapi.record(item) for item in objects(document.get("data"))]
            count += len(records)
            size += len(json.dumps(records, ensure_ascii=False))
            cursor = jsonapi.next_cursor(document)
            if cursor is None or count >= wanted:
                return shape(action, arguments, replies)
            if size >= FULL_ANSWER:
                note = f"Stopped after {count} records: the answer is full. Go on with next_cursor or fewer fields."
                return shape(action, arguments, replies, (note,))
            arguments = {**arguments, "cursor": cursor}


FULL_ANSWER = 24_000
"""Characters of records after which no further page is fetched, so that what is read is also shown."""
FIRST_PAGE = 50
"""Records of the first page of many: enough to know how large they are."""


def _page(action: Action, arguments: JSON, wanted: int, count: int, size: int) -> JSON:
    """The arguments of the next page of many: as large as allowed, wanted, and likely to fit. A given size is kept."""
    most = action.spec.properties.get("page_size", {}).get("maximum")
    if most is None or "page_size" in arguments:
        return arguments
    fitting = max(1, (FULL_ANSWER - size) * count // size) if size else FIRST_PAGE
    return {**arguments, "page_size": min(most, wanted - count, fitting)}


def _choose(registry: Registry, request: ChooseRequest, arguments: JSON) -> tuple[Action, JSON]:
    choice = request.among[arguments[request.choose[1:]]]
    chosen = registry.find(choice.action)
    return chosen, check_arguments(chosen, fill(choice.arguments, arguments))


def _preview(registry: Registry, action: Action, arguments: JSON) -> JSON:
    spec = action.spec
    data: JSON = {"action": action.name, "effect": spec.effect, "sent": False}
    lookups = [rule.exists or rule.state for rule in spec.preconditions if rule.is_live]
    asked = [(look.action, fill(look.arguments, arguments)) for look in lookups if look]
    checks = [{"action": name, "arguments": given} for name, given in asked if given]
    if checks:
        data["checks_first"] = checks
    match spec.request:
        case StepsRequest() as request:
            data["steps"] = [
                {
                    "action": step.action,
                    "requests": [_shown(build(found, check_arguments(found, call))) for call in calls],
                }
                if calls is not None
                else {"action": step.action, "depends_on": "the answers of the steps before"}
                for step, calls in plan_steps(request, arguments)
                for found in [registry.find(str(step.action))]
            ]
        case ChooseRequest() as request:
            chosen, inner = _choose(registry, request, arguments)
            data |= {"runs": chosen.name, "requests": [_shown(build(chosen, inner))]}
        case _:
            wanted = arguments.get("max_records")
            first = arguments if wanted is None else _page(action, arguments, wanted, 0, 0)
            data["requests"] = [_shown(build(action, first))]
    return data


def _shown(outgoing: Outgoing) -> JSON:
    shown: JSON = {"method": outgoing.method, "path": outgoing.target}
    if outgoing.headers:
        shown["headers"] = dict(outgoing.headers)
    if outgoing.body is not None:
        shown["body"] = outgoing.body
    if outgoing.form is not None:
        shown["form"] = {
            key: value if isinstance(value, str) else f"{value[0]}, {len(value[1])} bytes"
            for key, value in outgoing.form.items()
        }
    return shown
