"""The path of a call, top to bottom: a name becomes a plan, the plan's rules are asked, its requests are sent."""

from copy import copy
from dataclasses import dataclass, replace
from functools import partial
from time import monotonic

import anyio

from klaviyo_mcp.accounts.account import Account
from klaviyo_mcp.accounts.facts import AccountFacts
from klaviyo_mcp.actions.bounds import is_long
from klaviyo_mcp.actions.confirmation import Confirmations
from klaviyo_mcp.actions.consequences import Told, consequences, telling_parts
from klaviyo_mcp.actions.coverage import coverage, read_facts
from klaviyo_mcp.actions.errors import ActionError, InvalidArguments, UnknownAction, WrongTool
from klaviyo_mcp.actions.long_work import done
from klaviyo_mcp.actions.metering import CountsHere, DayCounts, Meter, caps_recipients, check_found, check_known
from klaviyo_mcp.actions.names import Exposes, everything, find_action
from klaviyo_mcp.actions.outcome import Outcome
from klaviyo_mcp.actions.paging import FULL_ANSWER
from klaviyo_mcp.actions.permission import Gate
from klaviyo_mcp.actions.plan import Plan, Planner
from klaviyo_mcp.actions.policy import EVERYTHING, Policy
from klaviyo_mcp.actions.resolving import Resolver, without_account
from klaviyo_mcp.actions.services import PartNotOpen, Service, ServiceCall, ServiceMissing, Services, no_services
from klaviyo_mcp.actions.settled import NOTHING, Settled
from klaviyo_mcp.actions.walk import LONGEST_GLANCE, LONGEST_WAIT_OF_A_LOOK, Walk, nothing
from klaviyo_mcp.klaviyo.errors import KlaviyoError
from klaviyo_mcp.klaviyo.requests import Announce, WaitBudget
from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.registry.model import Effect
from klaviyo_mcp.registry.registry import STRENGTH, Action, Registry

LONGEST_CALL = 180.0
"""Seconds that a call may take in all, where nothing else is set."""


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
        live_checks: bool = True,
        user_content: bool = True,
    ) -> None:
        """`max_wait` is how many seconds one call may spend waiting for quota, all its requests together.

        `longest` is how many seconds it may take in all, waits and requests.
        `confirmations` says which calls are not carried out before they are confirmed: none, without them.
        `exposes` says which actions a call can name; what they are made of may be any.
        `policy` are rules for all of these, and `counts` what the day has used of its caps: in this process, if None.
        `live_checks` False asks no rules that look into the account. `user_content` False means that answers must not
        hold what customers wrote.
        """
        self._live_checks = live_checks
        self.services: Services = no_services
        """What carries out what is no request: set by a server, as services may need the engine."""
        self.user_content = user_content
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

    def narrowed(self, exposes: Exposes) -> "Engine":
        """This engine for calls that can name no other actions than these; what is held and counted is shared."""
        narrow, gate = copy(self), self._gate

        def both(action: Action) -> bool:
            return gate.exposes(action) and exposes(action)

        narrow._gate = replace(gate, exposes=both)
        return narrow

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

    def check_can_be(self, call: Call, effect: Effect | None) -> None:
        """Raises WrongTool for a call that has another effect whatever its arguments are; None is any effect.

        Asked before the account is, for what a call leaves to it. What is not let through in any case is left to the
        gate, which says why.
        """
        action = self.registry.get(call.name)
        if effect is None or action is None or not self.lets_through(action):
            return
        weakest, strongest = action.weakest_effect, action.strongest_effect
        if not STRENGTH[weakest] <= STRENGTH[effect] <= STRENGTH[strongest]:
            raise WrongTool(action.name, weakest)

    def check_is(self, plan: Plan, effect: Effect | None) -> None:
        """Raises WrongTool for a plan of another effect, which may have needed a look into the account."""
        if effect is not None and plan.effect != effect:
            error = WrongTool(plan.action.name, plan.effect, plan.because)
            error.looked = bool(plan.settled.things)
            raise error

    def plan(self, call: Call, account: Account | None = None) -> Plan:
        """What a call would do; nothing is sent. Without an account, nothing that depends on one is checked.

        Raises ActionError.
        """
        return self._plan(call, account, NOTHING)

    def _plan(self, call: Call, account: Account | None, settled: Settled) -> Plan:
        try:
            plan = self._planner(account, settled).plan(self.find(call.name), call.arguments, part=False)
        except InvalidArguments as error:
            raise (without_account(error) if account is None else error) from None
        check_known(plan, self.policy)
        return plan

    def waits_for(self, plan: Plan) -> str:
        """Why a plan has to be confirmed before it is carried out, nothing where it need not be."""
        if self.confirmations.needed(plan.effect):
            return f"{plan.action.name} is {plan.effect}"
        if plan.action.service and plan.action.service.waits and self.confirmations.confirm != "never":
            return f"{plan.action.name} is always shown first"
        for part in plan.parts():
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

    async def planned(self, call: Call, account: Account, *, anew: bool = False) -> Plan:
        """As `plan`, with what the call leaves to the account: it is read for what is named or left out.

        `anew` takes nothing that was read for an earlier call.
        """

        async def attempt(settled: Settled) -> Plan:
            return await done(partial(self._plan, call, account, settled), long=is_long(call.arguments))

        planner = self._planner(account)
        looks = partial(self._look, account, planner.looking), partial(self._look, account, planner)
        return await Resolver(self.registry, account, *looks, partial(self.glance, account), anew).plan(attempt)

    async def carry_out(
        self,
        plan: Plan,
        account: Account,
        announce: Announce | None = None,
        *,
        confirmed: bool = False,
        found: Told | None = None,
        enough: int = FULL_ANSWER,
    ) -> Outcome:
        """Do what a plan says, and nothing else; `found` are its consequences, where they were looked up.

        Pages are read until `enough` characters of records are there.

        Raises as `run` does, and NotConfirmed, wherever in it that shows.
        """
        if found is None and caps_recipients(plan, self.policy) and (confirmed or not self.waits_for(plan)):
            found = await self.consequences(plan, account, announce)
        budget = WaitBudget(self._max_wait, announce, ends=monotonic() + self._longest)
        needs = nothing if confirmed else self.waits_for
        meter = Meter(self.policy, self._counts, account.counted_as or account.name) if self.policy.capping else None
        serve = partial(self._served, account=account, announce=announce, found=found)
        walk = Walk(self._planner(account, plan.settled), account, budget, needs, meter, enough=enough, serve=serve)
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

    async def consequences(
        self,
        plan: Plan,
        account: Account,
        announce: Announce | None = None,
        *,
        agreed: bool = False,
        looked: Told | None = None,
    ) -> Told:
        """What a plan would do, looked up in the account, once its rules have been asked. Changes nothing.

        `agreed` is true where it was shown before, and is to be carried out now; `looked` is what its service has found
        beside the call.
        Raises PreconditionFailed where a rule does not hold, or what is found refuses the plan.
        """
        budget = WaitBudget(self._max_wait, announce, ends=monotonic() + self._longest)
        walk = Walk(self._planner(account, plan.settled), account, budget)
        warnings = await walk.ask(plan)
        if looked is not None:
            found = looked
        elif plan.action.service is not None:
            found = await self._service(plan).look(self._service_call(plan, account, announce), agreed=agreed)
        else:
            found = await consequences(plan, walk.read)
        check_found(plan, self.policy, found)
        # What a name stood for when the plan was shown is what must be acted on.
        same = {**found.same, **plan.settled.ids}
        return replace(found, same=same, unknown=(*found.unknown, *dict.fromkeys(warnings)))

    async def explained(self, outcome: Outcome, account: Account) -> Outcome:
        """An outcome with what its numbers need to be understood; the account is read for that, if it has to be."""
        read_at = next((reply.read_at for reply in outcome.replies), None)
        return replace(outcome, covers=await coverage(outcome, account.facts, partial(self.glance, account), read_at))

    async def facts(self, account: Account) -> AccountFacts:
        """What an account says of itself, read if it is not fresh; what could not be read is None."""
        await read_facts(account.facts, partial(self.glance, account))
        return account.facts

    async def read(self, account: Account, name: str, arguments: JSON, announce: Announce | None = None) -> Outcome:
        """A read that is part of something admitted: it needs no exposure of its own. Raises what `run` does."""
        if (action := self.registry.get(name)) is None:
            raise UnknownAction(name)
        budget = WaitBudget(self._max_wait, announce, ends=monotonic() + self._longest)
        planner = self._planner(account)
        return await Walk(planner, account, budget).carry_out(planner.plan(action, arguments))

    def check_may(self, name: str, account: Account) -> Action:
        """The action of this name, if calls of it are let through for an account. Raises the errors of `Gate.admit`."""
        action = self.find(name)
        self._gate.permit(action, account)
        return action

    async def _served(self, plan: Plan, *, account: Account, announce: Announce | None, found: Told | None) -> Outcome:
        served = await self._service(plan).carry_out(self._service_call(plan, account, announce), found)
        return Outcome(plan.action, plan.arguments, composed=served.answer, wrote=served.wrote, said=served.says)

    def _service_call(self, plan: Plan, account: Account, announce: Announce | None) -> ServiceCall:
        def check_may(name: str) -> None:
            try:
                self.check_may(name, account)
            except UnknownAction as error:
                raise PartNotOpen(plan.action.name, name) from error

        return ServiceCall(plan.action, plan.arguments, account, announce, check_may)

    def _service(self, plan: Plan) -> Service:
        name = plan.action.service.service if plan.action.service else ""
        if (service := self.services(name)) is None:
            raise ServiceMissing(plan.action.name)
        return service

    async def glance(self, account: Account, name: str, arguments: JSON) -> list[JSON]:
        """The records of a read that is nice to have: none where it fails, or would have to wait for quota."""
        planner = self._planner(account)
        try:
            plan = planner.plan(self.registry[name], arguments)
            budget = WaitBudget(0, ends=monotonic() + LONGEST_GLANCE)
            return (await Walk(planner, account, budget).carry_out(plan)).records
        except (KeyError, ActionError, KlaviyoError):
            return []

    async def _look(self, account: Account, planner: Planner, name: str, arguments: JSON) -> Outcome:
        """A read that a call cannot do without. Raises ActionError and KlaviyoError."""
        if (action := self.registry.get(name)) is None:
            raise UnknownAction(name)
        budget = WaitBudget(LONGEST_WAIT_OF_A_LOOK, ends=monotonic() + LONGEST_GLANCE)
        return await Walk(planner, account, budget).carry_out(planner.plan(action, arguments))

    def _planner(self, account: Account | None, settled: Settled = NOTHING) -> Planner:
        return Planner(self._gate, account, self._live_checks, settled)
