"""The path of a call, top to bottom: a name becomes a plan, the plan's rules are asked, its requests are sent."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from time import monotonic

from klaviyo_mcp.accounts.account import Account
from klaviyo_mcp.actions.bounds import is_long
from klaviyo_mcp.actions.candidates import with_candidates
from klaviyo_mcp.actions.composites import run_steps
from klaviyo_mcp.actions.confirmation import Confirmations, NotConfirmed
from klaviyo_mcp.actions.consequences import Told, consequences
from klaviyo_mcp.actions.coverage import coverage
from klaviyo_mcp.actions.cursors import seal
from klaviyo_mcp.actions.errors import ActionError, InvalidArguments
from klaviyo_mcp.actions.lately import remember, sent_lately
from klaviyo_mcp.actions.live_rules import check_live
from klaviyo_mcp.actions.long_work import done
from klaviyo_mcp.actions.looking import Looks, Once
from klaviyo_mcp.actions.names import Exposes, everything, find_action
from klaviyo_mcp.actions.outcome import Outcome, Pages
from klaviyo_mcp.actions.paging import fetch_pages, first_page, wanted
from klaviyo_mcp.actions.permission import Gate
from klaviyo_mcp.actions.plan import Plan, Planner
from klaviyo_mcp.actions.resuming import question_of
from klaviyo_mcp.klaviyo.errors import KlaviyoError, PermissionDenied
from klaviyo_mcp.klaviyo.requests import Announce, ApiRequest, Reply, WaitBudget
from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.registry.model import Effect
from klaviyo_mcp.registry.registry import Action, Registry

LONGEST_CALL = 180.0
"""Seconds that a call may take in all, where nothing else is set."""
LONGEST_GLANCE = 15.0
"""Seconds for a read that is nice to have, beside a call that has its answer without it."""
LONGEST_WAIT_OF_A_LOOK = 5.0
"""Seconds that the reads of live rules may wait for quota: after that the rule is not checked, and that is told."""


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
        longest: float = LONGEST_CALL,
        confirmations: Confirmations | None = None,
        live_checks: bool = True,
    ) -> None:
        """`max_wait` is how many seconds one call may spend waiting for quota, all its requests together.

        `longest` is how many seconds it may take in all, waits and requests.
        `confirmations` says which calls are not carried out before they are confirmed: none, without them.
        `exposes` says which actions a call can name; what they are made of may be any.
        `live_checks` False asks no rules that look into the account.
        """
        self._live_checks = live_checks
        self.registry = registry
        self._gate = Gate(registry, exposes, read_only)
        self._max_wait = max_wait
        self._longest = longest
        self.confirmations = confirmations or Confirmations()

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

    async def run(self, call: Call, account: Account, announce: Announce | None = None) -> Outcome:
        """Plan a call and carry it out; `announce` is told of waits for quota.

        Raises ActionError before, and KlaviyoError during, the exchange.
        """
        return await self.carry_out(await self.planned(call, account), account, announce)

    async def planned(self, call: Call, account: Account) -> Plan:
        """As `plan`; where a name was given in place of an id, the account is read for what bears it."""
        try:
            return await done(partial(self.plan, call, account), long=is_long(call.arguments))
        except InvalidArguments as error:
            raise await with_candidates(error, partial(self._glance, account)) from None

    async def carry_out(
        self, plan: Plan, account: Account, announce: Announce | None = None, *, confirmed: bool = False
    ) -> Outcome:
        """Do what a plan says, and nothing else. Raises as `run` does, and NotConfirmed, wherever in it that shows."""
        budget = WaitBudget(self._max_wait, announce, ends=monotonic() + self._longest)
        needs = _nothing if confirmed else self.confirmations.needed
        outcome = await _Walk(self._planner(account), account, budget, needs).carry_out(plan)
        return replace(outcome, understood=plan.understood, waited=budget.waited, wait_reasons=tuple(budget.reasons))

    async def consequences(self, plan: Plan, account: Account, announce: Announce | None = None) -> Told:
        """What a plan would do, looked up in the account, once its rules have been asked. Changes nothing.

        Raises PreconditionFailed where a rule does not hold.
        """
        planner = self._planner(account)
        walk = _Walk(planner, account, WaitBudget(self._max_wait, announce, ends=monotonic() + self._longest))

        async def read(name: str, arguments: JSON) -> Outcome:
            return await walk.carry_out(planner.plan_of(name, arguments))

        warnings = await walk.ask(plan)
        found = await consequences(plan, read)
        return replace(found, unknown=(*found.unknown, *dict.fromkeys(warnings)))

    async def explained(self, outcome: Outcome, account: Account) -> Outcome:
        """An outcome with what its numbers need to be understood; the account is read for that, if it has to be."""
        read_at = next((reply.read_at for reply in outcome.replies), None)
        return replace(outcome, covers=await coverage(outcome, account.facts, partial(self._glance, account), read_at))

    async def _glance(self, account: Account, name: str, arguments: JSON) -> list[JSON]:
        """The records of a read that is nice to have: none where it fails, or would have to wait for quota."""
        planner = self._planner(account)
        try:
            plan = planner.plan(self.registry[name], arguments)
            budget = WaitBudget(0, ends=monotonic() + LONGEST_GLANCE)
            return (await _Walk(planner, account, budget).carry_out(plan)).records
        except (KeyError, ActionError, KlaviyoError):
            return []

    def _planner(self, account: Account | None) -> Planner:
        return Planner(self._gate, account, self._live_checks)


def _nothing(_: Effect) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class _Walk:
    """One plan on its way: whose account it is for, how long it may still wait, and what its rules have read so far."""

    planner: Planner
    account: Account
    budget: WaitBudget
    needs_confirmation: Callable[[Effect], bool] = _nothing
    looked_up: "dict[str, Once]" = field(default_factory=dict[str, Once])

    async def carry_out(self, plan: Plan) -> Outcome:
        """Ask the rules of a plan, then send what it holds."""
        if self.needs_confirmation(plan.effect):
            raise NotConfirmed(f"{plan.action.name} has to be confirmed first.")
        warnings = [*plan.warnings, *sent_lately(plan, self.account.glimpses), *await check_live(plan, self._looks)]
        found = self._found(plan)
        outcome = await self._sent(plan)
        remember(plan, self.account.glimpses)
        if not found and not warnings:
            return outcome
        told = tuple(dict.fromkeys([*warnings, *outcome.warnings]))
        return replace(outcome, looked_up={**found, **outcome.looked_up}, warnings=told)

    async def ask(self, plan: Plan) -> list[str]:
        """Ask the rules of a plan and of those parts of it that are known, and send nothing else. Returns warnings."""
        warnings = [*plan.warnings, *sent_lately(plan, self.account.glimpses), *await check_live(plan, self._looks)]
        if plan.chosen is not None:
            warnings += await self.ask(plan.chosen)
        for step in plan.steps or ():
            for call in step.calls or ():
                warnings += await self.ask(call)
        return warnings

    async def _sent(self, plan: Plan) -> Outcome:
        if plan.chosen is not None:
            outcome = await self.carry_out(plan.chosen)
            # What was asked for goes on, not what it picked.
            pages = outcome.pages and replace(
                outcome.pages, action=plan.action.name, question=question_of(plan.arguments), part=plan.part
            )
            return replace(outcome, pages=pages)
        if plan.request is None:
            return await run_steps(plan, self.planner.plan_of, self.carry_out)
        if plan.effect != "read":
            reply = await self._send(plan, plan.request)
            return Outcome(plan.action, plan.arguments, (reply,), wrote=True)
        fetched = await fetch_pages(
            plan.action, plan.arguments, plan.request, lambda request: self._send(plan, request), plan.skip
        )
        pages = Pages(
            plan.action.name,
            question_of(first_page(plan.action, plan.arguments)),
            fetched.cursors,
            lambda position: seal(position, self.account.name, self.account.cursor_key),
            plan.skip,
            wanted(plan.action, plan.arguments),
            plan.part,
            fetched.stopped,
        )
        return Outcome(plan.action, plan.arguments, fetched.replies, pages=pages)

    @property
    def _looks(self) -> Looks:
        """The reads of live rules. They wait for quota only so long, and not for what the call itself may wait."""
        ends = min(self.budget.ends, monotonic() + LONGEST_GLANCE)
        waiting, hurried = (
            replace(self, budget=WaitBudget(seconds, ends=ends)).carry_out for seconds in (LONGEST_WAIT_OF_A_LOOK, 0)
        )
        return Looks(self.account.glimpses, waiting, hurried, self.looked_up)

    def _found(self, plan: Plan) -> JSON:
        """What the live rules of a plan have read, by the action that they read it with."""
        known = [(lookup, self._looks.known(lookup)) for lookup in plan.lookups]
        return {lookup.plan.action.name: reading.first or {} for lookup, reading in known if reading is not None}

    async def _send(self, plan: Plan, request: ApiRequest) -> Reply:
        fetch = partial(self.account.client.send, request, self.budget)
        if plan.effect != "read":
            self.account.glimpses.wrote()
        try:
            if plan.action.spec.is_scarce:
                fresh = plan.arguments.get("fresh") is True
                return await self.account.scarce.read(request, fetch, self.budget, fresh=fresh)
            return await fetch()
        except KlaviyoError as error:
            error.reading = plan.effect == "read"
            error.asked = (plan.action.name, plan.arguments)
            if isinstance(error, PermissionDenied):
                await self.account.access.learn(plan.action.spec.scopes, error)
            raise
        finally:
            if plan.effect != "read":
                self.account.glimpses.wrote()
