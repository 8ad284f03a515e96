"""What a call will do, decided once: shown by a preview, bound by a confirmation, carried out by a run.

A plan is a tree. One operation is one request; an action that picks its operation holds the plan of the one it picked;
an action made of steps holds the plans of all calls that do not depend on an earlier answer.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from klaviyo_mcp.accounts.account import Account
from klaviyo_mcp.actions.address import build_within
from klaviyo_mcp.actions.effects import stronger_by_arguments, strongest
from klaviyo_mcp.actions.errors import InvalidArguments, Problem
from klaviyo_mcp.actions.idempotency import with_keys
from klaviyo_mcp.actions.paging import first_page
from klaviyo_mcp.actions.permission import Gate
from klaviyo_mcp.actions.policy import EVERYTHING
from klaviyo_mcp.actions.preconditions import failed
from klaviyo_mcp.actions.request import fill
from klaviyo_mcp.actions.steps import known_calls
from klaviyo_mcp.actions.understood import PLAIN, Understood
from klaviyo_mcp.klaviyo.requests import ApiRequest
from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.registry.holes import hole
from klaviyo_mcp.registry.model import Choice, ChooseRequest, Effect, Step, StepsRequest
from klaviyo_mcp.registry.precondition import Precondition
from klaviyo_mcp.registry.registry import Action


@dataclass(frozen=True, slots=True)
class Lookup:
    """A live rule, and the read that it needs; `asked` are that read's arguments, before they were checked."""

    rule: Precondition
    asked: JSON
    plan: "Plan"


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One step of a composite: its calls, or None where they depend on the answers of steps before it."""

    step: Step
    calls: "tuple[Plan, ...] | None"


@dataclass(frozen=True, slots=True)
class Plan:
    """An admitted action with its checked arguments. Exactly one of `request`, `chosen` and `steps` is what it does.

    `effect` is the strongest effect of what will run, `because` says what makes it stronger than the action is in
    general, and `lookups` are what is read in the account before. `request` is the
    first of several where pages follow. `skip` records of its answer were shown before; `part` of it alone is wanted.
    `understood` tells how the arguments were taken where they did not say so plainly.
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

    def all_lookups(self) -> "Iterator[Lookup]":
        """What is read first, here and by the action that was picked."""
        yield from self.lookups
        if self.chosen is not None:
            yield from self.chosen.all_lookups()


@dataclass(frozen=True, slots=True)
class Planner:
    """Makes the plans of one call. `account` is whom it is for; None leaves out what depends on that."""

    gate: Gate
    account: Account | None = None

    def plan(self, action: Action, given: object, *, part: bool = True) -> Plan:
        """The plan of an action, with everything it is made of admitted as far as that can be known before it runs.

        Raises the errors of `Gate.admit`.
        """
        admitted = self.gate.admit(action, given, self.account, part=part)
        keyed = with_keys(action.spec, admitted.arguments)
        plan = self._plan(action, keyed.arguments)
        chosen = plan.chosen and replace(plan.chosen, skip=admitted.skip)
        understood = admitted.understood
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
            effect=effect,
            because=(*plan.because, *(one.says for one in stronger), *(why for call in calls for why in call.because)),
        )

    def _plan(self, action: Action, arguments: JSON) -> Plan:
        lookups = self._lookups(action, arguments)
        match action.spec.request:
            case ChooseRequest() as request:
                chosen = self._chosen(request.among[arguments[request.choose[1:]]], arguments)
                return Plan(action, arguments, chosen.effect, lookups, chosen=chosen, because=chosen.because)
            case StepsRequest() as request:
                steps = [self._planned(step, calls) for step, calls in known_calls(request, arguments)]
                return Plan(action, arguments, action.effect, lookups, steps=tuple(steps))
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
        # Told now: once the steps before it have run, it would be too late.
        self.gate.policy.allow(self.gate.registry[name])
        return PlannedStep(step, None if calls is None else tuple(self.plan_of(name, call) for call in calls))

    def _lookups(self, action: Action, arguments: JSON) -> tuple[Lookup, ...]:
        """The reads that the live rules of an action need. Raises PreconditionFailed where they cannot be made."""
        found: list[Lookup] = []
        problems: list[Problem] = []
        for rule in action.spec.preconditions:
            lookup = rule.exists or rule.state
            asked: JSON = fill(lookup.arguments, arguments) if lookup else {}
            if lookup is None or asked == {}:
                continue
            try:
                found.append(Lookup(rule, asked, self.looking.plan_of(lookup.action, asked)))
            except InvalidArguments as error:
                # The lookup has names of its own for what the caller gave.
                problems += [
                    replace(problem, argument=outer_name(asked, problem.argument, arguments))
                    for problem in error.problems
                ]
        if problems:
            raise failed(action, problems)
        return tuple(found)


def _renamed(place: str, names: dict[str, str]) -> str:
    """A place such as `list_ids[0]` with its argument under another name."""
    name = place.split(".")[0].split("[")[0]
    return names.get(name, name) + place[len(name) :]


def outer_name(asked: JSON, name: str, arguments: JSON) -> str:
    """The caller's name for an argument of a lookup: the one with the same value."""
    return next((key for key, given in arguments.items() if given == asked.get(name)), name)
