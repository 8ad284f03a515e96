"""One plan on its way: its rules are asked, what it would hit is looked at, and then its requests are sent."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from time import monotonic

from klaviyo_mcp.accounts.account import Account
from klaviyo_mcp.actions.composites import Doing, run_steps
from klaviyo_mcp.actions.confirmation import NotConfirmed
from klaviyo_mcp.actions.consequences import ahead, held_against, must_be_looked_at
from klaviyo_mcp.actions.coverage import read_facts, zone_of
from klaviyo_mcp.actions.cursors import seal
from klaviyo_mcp.actions.errors import ActionError, PreconditionFailed
from klaviyo_mcp.actions.lately import remember, sent_lately
from klaviyo_mcp.actions.live_rules import check_live
from klaviyo_mcp.actions.looking import Looks, Once, key_of
from klaviyo_mcp.actions.metering import Meter
from klaviyo_mcp.actions.outcome import Outcome, Pages
from klaviyo_mcp.actions.paging import FULL_ANSWER, MOST_KEPT, fetch_pages, first_page, wanted
from klaviyo_mcp.actions.plan import Plan, Planner
from klaviyo_mcp.actions.request import fill
from klaviyo_mcp.actions.resuming import question_of
from klaviyo_mcp.actions.services import ServiceMissing
from klaviyo_mcp.actions.way_back import before_images, way_back
from klaviyo_mcp.klaviyo.errors import KlaviyoError, PermissionDenied, RequestOutcome
from klaviyo_mcp.klaviyo.requests import ApiRequest, Reply, WaitBudget
from klaviyo_mcp.loose_json import JSON

LONGEST_GLANCE = 15.0
"""Seconds for a read that is nice to have, beside a call that has its answer without it."""
LONGEST_WAIT_OF_A_LOOK = 5.0
"""Seconds that a rule may wait for quota before it is told that it could not be asked."""


def nothing(_: Plan) -> str:
    """No plan has to be confirmed."""
    return ""


@dataclass(frozen=True, slots=True)
class Walk:
    """One plan on its way: whose account it is for, how long it may still wait, and what its rules have read so far."""

    planner: Planner
    account: Account
    budget: WaitBudget
    needs_confirmation: Callable[[Plan], str] = nothing
    meter: Meter | None = None
    above: tuple[Plan, ...] = ()
    looked_up: dict[str, Once] = field(default_factory=dict[str, Once])
    looked_at: list[Plan] = field(default_factory=list[Plan])
    enough: int = FULL_ANSWER
    """Characters of records after which no further page is read."""
    reached: set[str] = field(default_factory=set[str])
    """The actions of which a request has left this machine."""
    serve: Callable[[Plan], Awaitable[Outcome]] | None = None
    """Carries out what this server does itself."""

    async def carry_out(self, plan: Plan) -> Outcome:
        """Ask the rules of a plan, then send what it holds. Errors tell whether Klaviyo was asked before."""
        try:
            return await self._carried_out(plan)
        except (ActionError, KlaviyoError) as error:
            error.looked = error.looked or bool(self.reached)
            raise

    async def _carried_out(self, plan: Plan) -> Outcome:
        self.refuse_unconfirmed(plan)
        warnings = await self._asked(plan)
        found = self._found(plan)
        warnings += [f"Not checked: {text}." for text in await self._held_against(plan)]
        before = await self._before(plan)
        outcome = await self._sent(plan)
        remember(plan, self.account.glimpses)
        if plan.action.spec.consequences.way_back:
            record = outcome.records[0] if outcome.records else outcome.composed or {}
            undo = way_back(plan.action.spec, plan.arguments, before, record, self.planner.plan_of)
            outcome = replace(outcome, undo=undo)
        if not found and not warnings:
            return outcome
        told = tuple(dict.fromkeys([*warnings, *outcome.warnings]))
        return replace(outcome, looked_up={**found, **outcome.looked_up}, warnings=told)

    async def read(self, name: str, arguments: JSON) -> Outcome:
        """A read, by the name that a spec states for it. What a rule of this call has read is not read again.

        What an earlier call has read is: a confirmation must show, and compare, what is so now.
        """
        plan = self.planner.looking.plan_of(name, arguments)
        once = self.looked_up.get(key_of(plan, arguments))
        made = once.outcome(self.account.glimpses) if once else None
        if made is not None and (made.action, made.arguments) == (plan.action, plan.arguments):
            return made
        return await self._looking.carry_out(plan)

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
        for look in before_images(plan.action.spec) if self.planner.live else ():
            try:
                reading = self.planner.looking.plan_of(look.action, fill(look.arguments, plan.arguments))
                if (record := self._known(reading, look.arguments)) is None:
                    walk = replace(self._looking, budget=WaitBudget(0, ends=monotonic() + LONGEST_GLANCE))
                    record = next(iter((await walk.carry_out(reading)).seen_records), None)
                if record:
                    found[look.name] = record
            except (ActionError, KlaviyoError):
                continue
        return found

    def _known(self, plan: Plan, asked: JSON) -> JSON | None:
        """The record that a read has found for a rule of this call, or lately."""
        known = self._looks.known_by(key_of(plan, asked))
        return known.first if known else None

    def refuse_unconfirmed(self, plan: Plan) -> None:
        """Raises NotConfirmed for a plan that has to be confirmed and was not."""
        if why := self.needs_confirmation(plan):
            raise NotConfirmed(f"{plan.action.name} has to be confirmed first: {why}.")

    async def ask(self, plan: Plan) -> list[str]:
        """Ask the rules of a plan and of those parts of it that are known, and send nothing else. Returns warnings."""
        return [warning for part in plan.parts() for warning in await self._asked(part)]

    async def _asked(self, plan: Plan) -> list[str]:
        """Ask the rules of a plan alone. Returns warnings, and raises PreconditionFailed."""
        return [*plan.warnings, *sent_lately(plan, self.account.glimpses), *await check_live(plan, self._looks)]

    async def _sent(self, plan: Plan) -> Outcome:
        if plan.chosen is not None:
            outcome = await self._within(plan).carry_out(plan.chosen)
            # What was asked for goes on, not what it picked.
            pages = outcome.pages and replace(
                outcome.pages, action=plan.action.name, question=question_of(plan.arguments), part=plan.part
            )
            return replace(outcome, pages=pages)
        if plan.action.service is not None:
            if self.serve is None:
                raise ServiceMissing(plan.action.name)
            return await self.serve(plan)
        if plan.request is None:
            return await run_steps(
                plan, Doing(self.planner.plan_of, self._within(plan).carry_out, self._shown, self._facts)
            )
        if plan.effect != "read":
            reply = await self._metered(plan, plan.request)
            return Outcome(plan.action, plan.arguments, (reply,), wrote=True)
        fetched = await fetch_pages(
            plan.action,
            plan.arguments,
            plan.request,
            lambda request: self._send(plan, request),
            plan.skip,
            # What a step reads is not shown as it is.
            MOST_KEPT if any(above.steps is not None for above in self.above) else self.enough,
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

    async def _shown(self, name: str, arguments: JSON) -> JSON:
        """What an action would do, for a step that only shows it. Raises the errors of its plan."""
        plan = self.planner.showing.plan_of(name, arguments)
        problems: list[str] = []
        unknown: list[str] = []
        try:
            unknown += await self._looking.ask(plan)
        except PreconditionFailed as error:
            problems += [str(problem) for problem in error.problems]
        told, refused = await ahead(plan, self.read)
        problems += [str(problem) for problem in refused]
        shown: JSON = {
            "says": [*told.says],
            "problems": list(dict.fromkeys(problems)),
            "not_known": list(dict.fromkeys([*unknown, *told.unknown])),
        }
        return shown if told.people is None else {**shown, "people": told.people}

    async def _facts(self) -> JSON:
        """The moment in the account's time zone, and what is known of the account."""
        facts = await read_facts(self.account.facts, self._glance)
        now = datetime.now(UTC).astimezone(zone_of(facts.timezone)).isoformat(timespec="seconds")
        return {"now": now, "account": {"timezone": facts.timezone, "currency": facts.currency}}

    async def _glance(self, name: str, arguments: JSON) -> list[JSON]:
        """The records of a read without which an answer can do; none where it fails."""
        try:
            return (await self.read(name, arguments)).records
        except (ActionError, KlaviyoError):
            return []

    @property
    def _looking(self) -> "Walk":
        return replace(self, needs_confirmation=nothing)

    def _within(self, plan: Plan) -> "Walk":
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

    @property
    def _looks(self) -> Looks:
        """The reads of live rules. They wait for quota only so long, and not for what the call itself may wait."""
        ends = min(self.budget.ends, monotonic() + LONGEST_GLANCE)
        waiting, hurried = (
            replace(self._looking, budget=WaitBudget(seconds, ends=ends)).carry_out
            for seconds in (LONGEST_WAIT_OF_A_LOOK, 0)
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
                reply = await self.account.scarce.read(request, fetch, self.budget, fresh=fresh)
            else:
                reply = await fetch()
        except KlaviyoError as error:
            if error.outcome is not RequestOutcome.NOT_SENT:
                self.reached.add(plan.action.name)
            error.reading = plan.effect == "read"
            error.asked = (plan.action.name, plan.arguments)
            if isinstance(error, PermissionDenied):
                await self.account.access.learn(plan.action.spec.scopes, error)
            raise
        else:
            self.reached.add(plan.action.name)
            return reply
        finally:
            if plan.effect != "read":
                self.account.glimpses.wrote()
