"""The path of a call, top to bottom: a name becomes a plan, the plan's rules are asked, its requests are sent."""

from dataclasses import dataclass, field, replace
from functools import partial

import anyio

from klaviyo_mcp.accounts.account import Account
from klaviyo_mcp.actions.candidates import with_candidates
from klaviyo_mcp.actions.composites import run_steps
from klaviyo_mcp.actions.coverage import coverage
from klaviyo_mcp.actions.errors import ActionError, InvalidArguments
from klaviyo_mcp.actions.live_rules import check_live
from klaviyo_mcp.actions.names import Exposes, everything, find_action
from klaviyo_mcp.actions.outcome import Outcome
from klaviyo_mcp.actions.paging import fetch_pages, wanted
from klaviyo_mcp.actions.permission import Gate
from klaviyo_mcp.actions.plan import Lookup, Plan, Planner
from klaviyo_mcp.klaviyo.errors import KlaviyoError, NotFound, PermissionDenied
from klaviyo_mcp.klaviyo.requests import ApiRequest, Reply, WaitBudget
from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.registry.registry import Action, Registry


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
        exposes: Exposes = everything,
        read_only: bool = False,
        max_wait: float = 30.0,
    ) -> None:
        """`max_wait` is how many seconds one call may spend waiting for quota, all its requests together.

        `exposes` says which actions a call can name; what they are made of may be any.
        """
        self.registry = registry
        self._gate = Gate(registry, exposes, read_only)
        self._max_wait = max_wait

    @property
    def exposed(self) -> list[Action]:
        """The actions that a call can name, in the registry's order."""
        return [action for action in self.registry.actions if self._gate.exposes(action)]

    def find(self, name: str) -> Action:
        """The exposed action with this name or alias. Raises UnknownAction."""
        return find_action(self.registry, name, self._gate.exposes)

    def plan(self, call: Call, account: Account | None = None) -> Plan:
        """What a call would do; nothing is sent. Without an account, nothing that depends on one is checked.

        Raises ActionError.
        """
        return self._planner(account).plan(self.find(call.name), call.arguments, part=False)

    async def run(self, call: Call, account: Account) -> Outcome:
        """Plan a call and carry it out. Raises ActionError before, and KlaviyoError during, the exchange."""
        try:
            plan = self.plan(call, account)
        except InvalidArguments as error:
            raise await with_candidates(error, partial(self._glance, account)) from None
        return await self.carry_out(plan, account)

    async def carry_out(self, plan: Plan, account: Account) -> Outcome:
        """Do what a plan says, and nothing else. Raises as `run` does."""
        walk = _Walk(self._planner(account), account, WaitBudget(self._max_wait))
        return replace(await walk.carry_out(plan), read_as=plan.read_as)

    async def explained(self, outcome: Outcome, account: Account) -> Outcome:
        """An outcome with what its numbers need to be understood; the account is read for that, if it has to be."""
        return replace(outcome, covers=await coverage(outcome, account.facts, partial(self._glance, account)))

    async def _glance(self, account: Account, name: str, arguments: JSON) -> list[JSON]:
        """The records of a read that is nice to have: none where it fails, or would have to wait for quota."""
        planner = self._planner(account)
        try:
            plan = planner.plan(self.registry[name], arguments)
            return (await _Walk(planner, account, WaitBudget(0)).carry_out(plan)).records
        except (KeyError, ActionError, KlaviyoError):
            return []

    def _planner(self, account: Account | None) -> Planner:
        return Planner(self._gate, account.access if account else None)


@dataclass(frozen=True, slots=True)
class _Walk:
    """One plan on its way: whose account it is for, how long it may still wait, and what its rules have read so far."""

    planner: Planner
    account: Account
    budget: WaitBudget
    looked_up: dict[str, "_Reading"] = field(default_factory=dict[str, "_Reading"])

    async def carry_out(self, plan: Plan) -> Outcome:
        """Ask the rules of a plan, then send what it holds."""
        await check_live(plan.action, plan.arguments, plan.lookups, self._look_up)
        if plan.chosen is not None:
            return await self.carry_out(plan.chosen)
        if plan.request is None:
            return await run_steps(plan, self.planner.plan_of, self.carry_out)
        if wanted(plan.action, plan.arguments) is None:
            reply = await self._send(plan, plan.request)
            return Outcome(plan.action, plan.arguments, (reply,), wrote=plan.effect != "read")
        replies, stopped = await fetch_pages(
            plan.action, plan.arguments, plan.request, lambda request: self._send(plan, request)
        )
        return Outcome(plan.action, plan.arguments, tuple(replies), (stopped,) if stopped else ())

    async def _look_up(self, lookup: Lookup) -> JSON | None:
        """The record that a rule asks for, None when there is none. The same is read once for all rules of a call."""
        request = lookup.plan.request
        key = f"{request.method} {request.target}" if request else f"{lookup.plan.action.name} {lookup.asked}"
        return await self.looked_up.setdefault(key, _Reading()).once(self, lookup.plan)

    async def _send(self, plan: Plan, request: ApiRequest) -> Reply:
        try:
            return await self.account.client.send(request, self.budget)
        except KlaviyoError as error:
            error.reading = plan.effect == "read"
            if isinstance(error, PermissionDenied):
                await self.account.access.learn(plan.action.name, plan.action.spec.scopes, error)
            raise


class _Reading:
    """One look into the account, shared by the calls of a step that run side by side."""

    def __init__(self) -> None:
        self._lock = anyio.Lock()
        self._found: tuple[JSON | None] | None = None

    async def once(self, walk: _Walk, plan: Plan) -> JSON | None:
        async with self._lock:
            if self._found is None:
                try:
                    records = (await walk.carry_out(plan)).records
                    self._found = (records[0] if records else {},)
                except NotFound:
                    self._found = (None,)
            return self._found[0]
