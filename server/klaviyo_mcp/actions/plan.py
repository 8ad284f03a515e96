"""What a call will do, decided once: shown by a preview, bound by a confirmation, carried out by a run.

A plan is a tree. One operation is one request; an action that picks its operation holds the plan of the one it picked;
an action made of steps holds the plans of all calls that do not depend on an earlier answer.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from klaviyo_mcp.accounts.account import Account
from klaviyo_mcp.actions.address import build_within
from klaviyo_mcp.actions.defaults import DEFAULTS
from klaviyo_mcp.actions.effects import stronger_by_arguments, strongest
from klaviyo_mcp.actions.errors import ActionError, InvalidArguments, Problem, ScopeMissing
from klaviyo_mcp.actions.idempotency import with_keys
from klaviyo_mcp.actions.likeness import neighbours
from klaviyo_mcp.actions.paging import first_page
from klaviyo_mcp.actions.permission import Gate
from klaviyo_mcp.actions.policy import EVERYTHING
from klaviyo_mcp.actions.preconditions import failed
from klaviyo_mcp.actions.request import fill
from klaviyo_mcp.actions.rules.scope import Scope, scopes
from klaviyo_mcp.actions.settled import NOTHING, Settled
from klaviyo_mcp.actions.sparse import with_default
from klaviyo_mcp.actions.steps import known_calls
from klaviyo_mcp.actions.understood import PLAIN, Understood
from klaviyo_mcp.klaviyo.requests import ApiRequest
from klaviyo_mcp.loose_json import JSON, is_list
from klaviyo_mcp.registry.holes import hole
from klaviyo_mcp.registry.live import Lookup as Stated
from klaviyo_mcp.registry.model import Choice, ChooseRequest, Effect, ServiceRequest
from klaviyo_mcp.registry.precondition import Precondition
from klaviyo_mcp.registry.registry import Action
from klaviyo_mcp.registry.steps import Step, StepsRequest

MOST_SOUGHT = 100
"""Values that a filter of Klaviyo's takes in one list."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """A live rule, and a read that it needs; `asked` are that read's arguments, before they were checked.

    `number` is which rule of its action it is, and `sought` what must be found, each with the place where it was given.
    """

    rule: Precondition
    asked: JSON
    plan: "Plan"
    number: int = 0
    sought: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One step of a composite: its calls, or None where they depend on the answers of steps before it.

    `error` is why a step that is optional cannot be run; it has no calls.
    """

    step: Step
    calls: "tuple[Plan, ...] | None"
    error: ActionError | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """An admitted action with its checked arguments. One of `request`, `chosen` and `steps` is what it does.

    All are None for what a service of this server carries out.
    `effect` is the strongest effect of what will run, `because` says what makes it stronger than the action is in
    general, and `lookups` are what is read in the account before; `unchecked` says which of its rules cannot be looked
    up, and `warnings` what it breaks of those that only warn. `request` is the first of several where pages follow.
    `skip` records of its answer were shown before; `part` of it alone is wanted. `understood` tells how the arguments
    were taken where they did not say so plainly, `settled` what the account was looked at for.
    """

    action: Action
    arguments: JSON
    effect: Effect
    lookups: tuple[Lookup, ...] = ()
    request: ApiRequest | None = None
    chosen: "Plan | None" = None
    steps: tuple[PlannedStep, ...] | None = None
    skip: int = 0
    part: str = ""
    understood: Understood = PLAIN
    because: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    settled: Settled = NOTHING

    def parts(self) -> "Iterator[Plan]":
        """The plan and all that it is known to be made of."""
        yield self
        if self.chosen is not None:
            yield from self.chosen.parts()
        for step in self.steps or ():
            for call in step.calls or ():
                yield from call.parts()

    def all_lookups(self) -> "Iterator[Lookup]":
        """What is read first, here and by the action that was picked."""
        yield from self.lookups
        if self.chosen is not None:
            yield from self.chosen.all_lookups()


@dataclass(frozen=True, slots=True)
class Planner:
    """Makes the plans of one call. `account` is whom it is for; None leaves out what depends on that.

    `live` False leaves out the rules that look into the account. `settled` is what was looked up there before.
    """

    gate: Gate
    account: Account | None = None
    live: bool = True
    settled: Settled = NOTHING

    def plan(self, action: Action, given: object, *, part: bool = True) -> Plan:
        """The plan of an action, with everything it is made of admitted as far as that can be known before it runs.

        Raises the errors of `Gate.admit`.
        """
        admitted = self.gate.admit(action, given, self.account, part=part, settled=self.settled)
        given = admitted.arguments if part else self.settled.placed_in(admitted.arguments)
        arguments, to_come = self._with_defaults(action, given)
        keyed = with_keys(action.spec, arguments)
        # What a spec reads for itself it needs whole; only what an agent asks for is made short.
        plan = self._plan(action, keyed.arguments if part else with_default(action, keyed.arguments))
        chosen = plan.chosen and replace(plan.chosen, skip=admitted.skip)
        understood = admitted.understood
        if to_come:
            understood = replace(understood, read_as={**understood.read_as, **to_come})
        if keyed.added:
            understood = replace(understood, generated=(action.spec.idempotency_key or "", keyed.added))
        stronger = stronger_by_arguments(action, keyed.arguments, understood.cleared)
        calls = [call for step in plan.steps or () for call in step.calls or ()]
        effect = strongest([plan.effect, *(one.effect for one in stronger), *(call.effect for call in calls)])
        self.gate.policy.allow(action, effect)
        return replace(
            plan,
            chosen=chosen,
            understood=understood,
            skip=admitted.skip,
            part=admitted.part,
            warnings=admitted.warnings,
            effect=effect,
            because=(*plan.because, *(one.says for one in stronger), *(why for call in calls for why in call.because)),
        )

    def _with_defaults(self, action: Action, arguments: JSON) -> tuple[JSON, JSON]:
        """The arguments with those that the account says, and what is told of those that it has yet to say.

        Raises InvalidArguments for what must be looked up first. Without an account that is left to the call itself.
        """
        left = {name: finder for name, finder in action.spec.defaults.items() if name not in arguments}
        found = {name: thing.id for name, finder in left.items() if (thing := self.settled.default(finder))}
        lacking = {name: finder for name, finder in left.items() if name not in found}
        if lacking and self.account is not None:
            problems: list[Problem] = []
            for name, finder in lacking.items():
                default = DEFAULTS[finder]
                words = f"is left out, and {default.thing} was not found"
                problems.append(Problem(name, words, default.otherwise, sought=(finder, "")))
            raise InvalidArguments(f"{action.name} was not called: an argument is missing.", tuple(problems))
        to_come = {name: f"{DEFAULTS[finder].thing}, looked up when this is called" for name, finder in lacking.items()}
        return {**arguments, **found}, to_come

    def _plan(self, action: Action, arguments: JSON) -> Plan:
        lookups, unchecked = self._lookups(action, arguments) if self.live else ((), ())
        plan = self._of_kind(action, arguments, lookups)
        return replace(plan, unchecked=unchecked) if unchecked else plan

    def _of_kind(self, action: Action, arguments: JSON, lookups: tuple[Lookup, ...]) -> Plan:
        match action.spec.request:
            case ChooseRequest() as request:
                chosen = self._chosen(request.among[arguments[request.choose[1:]]], arguments)
                return Plan(action, arguments, chosen.effect, lookups, chosen=chosen, because=chosen.because)
            case StepsRequest() as request:
                steps = [self._planned(step, calls) for step, calls in known_calls(request, arguments)]
                return Plan(action, arguments, action.effect, lookups, steps=tuple(steps))
            case ServiceRequest():
                return Plan(action, arguments, action.effect, lookups)
            case _:
                request = build_within(action, first_page(action, arguments))
                return Plan(action, arguments, action.effect, lookups, request)

    @property
    def looking(self) -> "Planner":
        """Plans what the server looks up of its own accord: a policy is about what an agent asks for."""
        return replace(self, gate=replace(self.gate, policy=EVERYTHING))

    def plan_of(self, name: str, given: JSON) -> Plan:
        """The plan of a part, by the name that a spec states for it."""
        return self.plan(self.gate.registry[name], given)

    def _chosen(self, choice: Choice, arguments: JSON) -> Plan:
        """The plan of the action that was picked; its problems are told by the caller's names for its arguments."""
        try:
            return self.plan_of(choice.action, fill(choice.arguments, arguments))
        except InvalidArguments as error:
            outer = {name: hole(part) or name for name, part in choice.arguments.items()}
            problems = (replace(found, argument=_renamed(found.argument, outer)) for found in error.problems)
            raise InvalidArguments(error.message, tuple(problems)) from None

    def _planned(self, step: Step, calls: list[JSON] | None) -> PlannedStep:
        name = str(step.action)
        try:
            # Told now: once the steps before it have run, it would be too late.
            self.gate.policy.allow(self.gate.registry[name])
            return PlannedStep(step, None if calls is None else tuple(self.plan_of(name, call) for call in calls))
        except ActionError as error:
            # What is left to the account is looked up by whoever plans the call, also for what it can do without.
            if step.optional is None or any(problem.sought for problem in error.problems):
                raise
            return PlannedStep(step, (), error)

    @property
    def showing(self) -> "Planner":
        """Plans what is shown and never sent: neither a policy nor missing permission to write is in its way."""
        return replace(self, gate=replace(self.gate, policy=EVERYTHING, read_only=False), account=None)

    def _lookups(self, action: Action, arguments: JSON) -> tuple[tuple[Lookup, ...], tuple[str, ...]]:
        """The reads that the live rules of an action need, and which rules the credentials do not let us ask.

        Raises PreconditionFailed where what was given does not fit the reads.
        """
        found: list[Lookup] = []
        unchecked: list[str] = []
        problems: list[Problem] = []
        for number, rule in enumerate(action.spec.preconditions):
            if not rule.is_live or not any(scopes(rule, arguments, datetime.now(UTC))):
                continue
            for stated, asked, sought in _asked(rule, arguments):
                try:
                    found.append(Lookup(rule, asked, self.looking.plan_of(stated.action, asked), number, sought))
                except InvalidArguments as error:
                    # The lookup has names of its own for what the caller gave.
                    problems += [
                        replace(problem, argument=outer_name(asked, problem.argument, arguments))
                        for problem in error.problems
                    ]
                except ScopeMissing as error:
                    unchecked.append(
                        f"Not checked beforehand: {rule.question}. {stated.action} could not tell ({error.code})."
                    )
                    found = [lookup for lookup in found if lookup.number != number]
                    break
        if problems:
            raise failed(action, problems)
        return tuple(found), tuple(unchecked)


def _asked(rule: Precondition, arguments: JSON) -> Iterator[tuple[Stated, JSON, tuple[tuple[str, Any], ...]]]:
    """The reads of a rule with their arguments, and what they must find; none where nothing was given to look for."""
    if (stated := rule.all_found or rule.mistyped) is None:
        for lookup in rule.lookups:
            asked: JSON = fill(lookup.arguments, arguments)
            if asked or not lookup.arguments:
                yield lookup, asked, ()
        return
    scope = Scope(arguments, datetime.now(UTC))
    sought = tuple((found.name, found.value) for place in stated.of for found in scope.at(place))
    values = list(dict.fromkeys(str(value) for _, value in sought))
    if rule.mistyped and rule.mistyped.neighbours:
        values = list(dict.fromkeys([*values, *(one for value in values for one in neighbours(value))]))[:MOST_SOUGHT]
    for start in range(0, len(values), MOST_SOUGHT):
        for lookup in rule.lookups:
            yield lookup, fill(lookup.arguments, {**arguments, "sought": values[start : start + MOST_SOUGHT]}), sought


def _renamed(place: str, names: dict[str, str]) -> str:
    """A place such as `list_ids[0]` with its argument under another name."""
    name = place.split(".")[0].split("[")[0]
    return names.get(name, name) + place[len(name) :]


def outer_name(asked: JSON, name: str, arguments: JSON) -> str:
    """The caller's name for an argument of a lookup: the one with the same value."""
    value = asked.get(name)
    for key, given in arguments.items():
        if given == value:
            return key
        if is_list(given) and value in given:
            return f"{key}[{given.index(value)}]"
    return name
