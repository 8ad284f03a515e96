"""The path of a call, top to bottom: a name becomes a plan, the plan's rules are asked, its requests are sent."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from time import monotonic

import anyio

from klaviyo_mcp.accounts.account import Account
from klaviyo_mcp.actions.bounds import is_long
from klaviyo_mcp.actions.candidates import with_candidates
from klaviyo_mcp.actions.composites import run_steps
from klaviyo_mcp.actions.confirmation import Confirmations, NotConfirmed
from klaviyo_mcp.actions.consequences import Told, consequences, held_against, must_be_looked_at, telling_parts
from klaviyo_mcp.actions.coverage import coverage
from klaviyo_mcp.actions.cursors import seal
from klaviyo_mcp.actions.errors import ActionError, InvalidArguments
from klaviyo_mcp.actions.live_rules import check_live
from klaviyo_mcp.actions.long_work import done
from klaviyo_mcp.actions.metering import CountsHere, DayCounts, Meter, caps_recipients, check_found, check_known, every
from klaviyo_mcp.actions.names import Exposes, everything, find_action
from klaviyo_mcp.actions.outcome import Outcome, Pages
from klaviyo_mcp.actions.paging import fetch_pages, first_page, wanted
from klaviyo_mcp.actions.permission import Gate
from klaviyo_mcp.actions.plan import Lookup, Plan, Planner
from klaviyo_mcp.actions.policy import EVERYTHING, Policy
from klaviyo_mcp.actions.request import fill
from klaviyo_mcp.actions.resuming import question_of
from klaviyo_mcp.actions.way_back import before_images, way_back
from klaviyo_mcp.klaviyo.errors import KlaviyoError, NotFound, PermissionDenied, RequestOutcome
from klaviyo_mcp.klaviyo.requests import Announce, ApiRequest, Reply, WaitBudget
from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.registry.registry import Action, Registry

LONGEST_CALL = 180.0
"""Seconds that a call may take in all, where nothing else is set."""
LONGEST_GLANCE = 15.0
"""Seconds for a read that is nice to have, beside a call that has its answer without it."""


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
        policy: Policy = EVERYTHING,
        counts: DayCounts | None = None,
    ) -> None:
        """`max_wait` is how many seconds one call may spend waiting for quota, all its requests together.

        `longest` is how many seconds it may take in all, waits and requests.
        `confirmations` says which calls are not carried out before they are confirmed: none, without them.
        `exposes` says which actions a call can name; what they are made of may be any.
        `policy` are rules for all of these, and `counts` what the day has used of its caps: in this process, if None.
        """
        self.registry = registry
        self.policy = policy
        self._counts = counts or CountsHere()
        self._gate = Gate(registry, exposes, read_only, policy)
        self._max_wait = max_wait
        self._longest = longest
        self.confirmations = confirmations or Confirmations()

    @property
    def exposed(self) -> list[Action]:
        """The actions that a call can name, in the registry's order."""
        return [action for action in self.registry.actions if self._gate.exposes(action)]

    def lets_through(self, action: Action) -> bool:
        """Whether a call of the action can be admitted, as far as that does not depend on the account."""
        return (
            self._gate.exposes(action)
            and not (self._gate.read_only and action.effect != "read")
            and not self.policy.forbidding(action)
        )

    def find(self, name: str) -> Action:
        """The exposed action with this name or alias. Raises UnknownAction."""
        return find_action(self.registry, name, self._gate.exposes)

    def plan(self, call: Call, account: Account | None = None) -> Plan:
        """What a call would do; nothing is sent. Without an account, nothing that depends on one is checked.

        Raises ActionError.
        """
        plan = self._planner(account).plan(self.find(call.name), call.arguments, part=False)
        check_known(plan, self.policy)
        return plan

    def waits_for(self, plan: Plan) -> str:
        """Why a plan has to be confirmed before it is carried out, nothing where it need not be."""
        if self.confirmations.needed(plan.effect):
            return f"{plan.action.name} is {plan.effect}"
        for part in every(plan):
            later = [self.registry[str(step.step.action)] for step in part.steps or () if step.calls is None]
            rules = [self.policy.confirming(part.action, part.effect), *map(self.policy.confirming, later)]
            for rule in rules:
                if rule is not None:
                    return f"{rule.told} says so{f': {rule.why}' if rule.why else ''}"
        return ""

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
        self,
        plan: Plan,
        account: Account,
        announce: Announce | None = None,
        *,
        confirmed: bool = False,
        found: Told | None = None,
    ) -> Outcome:
        """Do what a plan says, and nothing else; `found` are its consequences, where they were looked up.

        Raises as `run` does, and NotConfirmed, wherever in it that shows.
        """
        if found is None and caps_recipients(plan, self.policy) and (confirmed or not self.waits_for(plan)):
            found = await self.consequences(plan, account, announce)
        budget = WaitBudget(self._max_wait, announce, ends=monotonic() + self._longest)
        needs = _nothing if confirmed else self.waits_for
        meter = Meter(self.policy, self._counts, account.counted_as or account.name) if self.policy.capping else None
        walk = _Walk(self._planner(account), account, budget, needs, meter)
        walk.refuse_unconfirmed(plan)
        if confirmed:
            # What was shown has been looked up, a moment ago.
            walk.looked_at.extend(telling_parts(plan))
        if meter is None:
            outcome = await walk.carry_out(plan)
        else:
            await meter.begin(plan, found)
            try:
                outcome = await walk.carry_out(plan)
            finally:
                with anyio.CancelScope(shield=True):
                    await meter.end()
        return replace(outcome, understood=plan.understood, waited=budget.waited, wait_reasons=tuple(budget.reasons))

    async def consequences(self, plan: Plan, account: Account, announce: Announce | None = None) -> Told:
        """What a plan would do, looked up in the account, once its rules have been asked. Changes nothing.

        Raises PreconditionFailed where a rule does not hold, or what is found refuses the plan.
        """
        budget = WaitBudget(self._max_wait, announce, ends=monotonic() + self._longest)
        walk = _Walk(self._planner(account), account, budget)
        await walk.ask(plan)
        found = await consequences(plan, walk.read)
        check_found(plan, self.policy, found)
        return found

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
        return Planner(self._gate, account)


def _nothing(_: Plan) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class _Walk:
    """One plan on its way: whose account it is for, how long it may still wait, and what its rules have read so far."""

    planner: Planner
    account: Account
    budget: WaitBudget
    needs_confirmation: Callable[[Plan], str] = _nothing
    meter: Meter | None = None
    above: tuple[Plan, ...] = ()
    looked_up: dict[str, "_Reading"] = field(default_factory=dict[str, "_Reading"])
    looked_at: list[Plan] = field(default_factory=list[Plan])

    async def carry_out(self, plan: Plan) -> Outcome:
        """Ask the rules of a plan, then send what it holds."""
        self.refuse_unconfirmed(plan)
        await check_live(plan.action, plan.arguments, plan.lookups, self._look_up)
        found = {lookup.plan.action.name: await self._look_up(lookup) or {} for lookup in plan.lookups}
        unknown = await self._held_against(plan)
        before = await self._before(plan)
        outcome = await self._sent(plan)
        if plan.action.spec.consequences.way_back:
            record = outcome.records[0] if outcome.records else outcome.composed or {}
            undo = way_back(plan.action.spec, plan.arguments, before, record, self.planner.plan_of)
            outcome = replace(outcome, undo=undo)
        if unknown:
            outcome = replace(outcome, warnings=(*outcome.warnings, *(f"Not checked: {text}." for text in unknown)))
        return replace(outcome, looked_up={**found, **outcome.looked_up}) if found else outcome

    async def read(self, name: str, arguments: JSON) -> Outcome:
        """A read, by the name that a spec states for it."""
        return await self._looking.carry_out(self.planner.looking.plan_of(name, arguments))

    async def _held_against(self, plan: Plan) -> tuple[str, ...]:
        """Look up what may refuse a plan, where that has not been done; gives what could not be told."""
        if not must_be_looked_at(plan) or any(plan is one for one in self.looked_at):
            return ()
        return await held_against(plan, self.read)

    async def _before(self, plan: Plan) -> JSON:
        """What is there before a write that can be taken back: records by the names of looks, without those that fail.

        What a rule has read is not read again, and no quota is waited for.
        """
        found: JSON = {}
        for look in before_images(plan.action.spec):
            try:
                reading = self.planner.looking.plan_of(look.action, fill(look.arguments, plan.arguments))
                walk = replace(self._looking, budget=WaitBudget(0, ends=monotonic() + LONGEST_GLANCE))
                if record := await walk.look(reading, look.arguments):
                    found[look.name] = record
            except (ActionError, KlaviyoError):
                continue
        return found

    def refuse_unconfirmed(self, plan: Plan) -> None:
        """Raises NotConfirmed for a plan that has to be confirmed and was not."""
        if why := self.needs_confirmation(plan):
            raise NotConfirmed(f"{plan.action.name} has to be confirmed first: {why}.")

    async def ask(self, plan: Plan) -> None:
        """Ask the rules of a plan and of those parts of it that are known, and send nothing else."""
        await check_live(plan.action, plan.arguments, plan.lookups, self._look_up)
        if plan.chosen is not None:
            await self.ask(plan.chosen)
        for step in plan.steps or ():
            for call in step.calls or ():
                await self.ask(call)

    async def _sent(self, plan: Plan) -> Outcome:
        if plan.chosen is not None:
            outcome = await self._within(plan).carry_out(plan.chosen)
            # What was asked for goes on, not what it picked.
            pages = outcome.pages and replace(
                outcome.pages, action=plan.action.name, question=question_of(plan.arguments), part=plan.part
            )
            return replace(outcome, pages=pages)
        if plan.request is None:
            return await run_steps(plan, self.planner.plan_of, self._within(plan).carry_out)
        if plan.effect != "read":
            reply = await self._metered(plan, plan.request)
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
    def _looking(self) -> "_Walk":
        return replace(self, needs_confirmation=_nothing)

    def _within(self, plan: Plan) -> "_Walk":
        return replace(self, above=(*self.above, plan))

    async def _metered(self, plan: Plan, request: ApiRequest) -> Reply:
        """Send a request that changes something, if the caps of the policy have room for it."""
        if self.meter is None:
            return await self._send(plan, request)
        path = (*self.above, plan)
        await self.meter.add(path)
        try:
            reply = await self._send(plan, request)
        except KlaviyoError as error:
            if error.outcome in (RequestOutcome.UNKNOWN, RequestOutcome.DONE):
                self.meter.sent(path)
            raise
        except BaseException:
            self.meter.sent(path)
            raise
        self.meter.sent(path)
        return reply

    async def _look_up(self, lookup: Lookup) -> JSON | None:
        """The record that a rule asks for, None when there is none. The same is read once for all rules of a call."""
        return await self.look(lookup.plan, lookup.asked)

    async def look(self, plan: Plan, asked: JSON) -> JSON | None:
        """The first record of a read, by its plan and what it was asked, None when there is none."""
        key = f"{plan.request.method} {plan.request.target}" if plan.request else f"{plan.action.name} {asked}"
        return await self.looked_up.setdefault(key, _Reading()).once(self._looking, plan)

    async def _send(self, plan: Plan, request: ApiRequest) -> Reply:
        fetch = partial(self.account.client.send, request, self.budget)
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
