"""What a call leaves to the account to say, looked up before its plan is made: arguments that were left out.

A plan is tried with what is known, and its errors say what is sought; so only what is needed is looked up, wherever in
a call it stands. Nothing is sent but reads.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from klaviyo_mcp.accounts.account import Account
from klaviyo_mcp.actions.candidates import with_candidates
from klaviyo_mcp.actions.defaults import DEFAULTS, Look, NotFoundHere
from klaviyo_mcp.actions.errors import ActionError, InvalidArguments, Problem
from klaviyo_mcp.actions.plan import Plan
from klaviyo_mcp.actions.settled import NOTHING, Settled, Sought, Thing
from klaviyo_mcp.klaviyo.errors import KlaviyoError
from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.registry.holes import hole
from klaviyo_mcp.registry.registry import Registry

Attempt = Callable[[Settled], Awaitable[Plan]]
"""Makes the plan of a call with what is settled."""


@dataclass(frozen=True, slots=True)
class Resolver:
    """Looks up what one call needs. `look` reads, and raises what that does; `glance` gives none where it fails."""

    registry: Registry
    account: Account
    look: Look
    glance: Callable[[str, JSON], Awaitable[list[JSON]]]

    async def plan(self, attempt: Attempt) -> Plan:
        """The plan of a call with all that it leaves to the account.

        Raises what the attempt raises, and InvalidArguments for what cannot be found.
        """
        settled = NOTHING
        while True:
            try:
                plan = await attempt(settled)
            except InvalidArguments as error:
                sought = self._sought(error, settled)
                if not sought:
                    raise await with_candidates(error, self.glance) from None
                settled = await self._settled(settled, sought, error)
                continue
            settled = await self._with_what_steps_may_need(plan, settled)
            read_as = {**plan.understood.read_as, **{place: str(thing) for place, thing in settled.places.items()}}
            return replace(plan, settled=settled, understood=replace(plan.understood, read_as=read_as))

    def _sought(self, error: InvalidArguments, settled: Settled) -> dict[str, Sought]:
        """What is still to be looked up, by the place it is for."""
        return {
            problem.argument: problem.sought
            for problem in error.problems
            if problem.sought is not None and problem.sought[0] in DEFAULTS and problem.sought not in settled.things
        }

    async def _settled(self, settled: Settled, sought: dict[str, Sought], error: InvalidArguments) -> Settled:
        """What was settled, and what is found of what is sought. Raises InvalidArguments with all that is not."""
        things: dict[Sought, Thing] = {}
        missing: dict[Sought, tuple[str, str]] = {}
        for one in dict.fromkeys(sought.values()):
            try:
                things[one] = await self._found(one)
            except NotFoundHere as lack:
                missing[one] = (lack.problem, lack.fix)
        if missing:
            raise _refused(error, missing, things)
        return settled.and_also(things, {place: things[one] for place, one in sought.items()})

    async def _found(self, sought: Sought) -> Thing:
        """The one thing that is sought. Raises NotFoundHere."""
        for finder, default in DEFAULTS.items():
            if sought[0] == finder:
                facts, writes = self.account.facts, self.account.glimpses.writes
                if (known := facts.found(finder, writes)) is not None:
                    return Thing(*known)
                try:
                    thing = await default.find(self.look)
                except NotFoundHere as lack:
                    raise NotFoundHere(lack.problem, lack.fix or default.otherwise) from None
                except (ActionError, KlaviyoError) as error:
                    words = f"is left out, and {default.thing} could not be looked up ({error.message.rstrip('.')})"
                    raise NotFoundHere(words, default.otherwise) from None
                facts.keep(finder, (thing.id, thing.called), writes)
                return thing
        raise NotFoundHere("cannot be looked up", "Give the id itself")

    async def _with_what_steps_may_need(self, plan: Plan, settled: Settled) -> Settled:
        """Also what stands for arguments that steps leave out whose calls are not known yet.

        What is not found is no error: the step may not run at all, and says so itself if it does.
        """
        for name, finder in _later(plan, self.registry):
            sought = (finder, "")
            if sought not in settled.things:
                try:
                    thing = await self._found(sought)
                except NotFoundHere:
                    continue
                settled = settled.and_also({sought: thing}, {name: thing})
        return settled


def _later(plan: Plan, registry: Registry) -> Iterator[tuple[str, str]]:
    """The arguments that steps to come leave to the account, each with its finder."""
    for part in plan.parts():
        for planned in part.steps or ():
            if planned.calls is not None:
                continue
            own = registry[str(planned.step.action)]
            for action in registry.closure(own):
                for name, finder in action.spec.defaults.items():
                    if action is not own or not _is_given(planned.step.arguments.get(name), part):
                        yield name, finder


def _is_given(argument: object, part: Plan) -> bool:
    """Whether a step gets an argument: not where it passes on one that was left out itself."""
    passed_on = hole(argument)
    return argument is not None and not (passed_on in part.action.spec.properties and passed_on not in part.arguments)


def _refused(
    error: InvalidArguments, missing: Mapping[Sought, tuple[str, str]], things: Mapping[Sought, Thing]
) -> InvalidArguments:
    """The error with what is wrong with each thing that was not found, and without what was."""
    problems: list[Problem] = []
    for problem in error.problems:
        lack = missing.get(problem.sought) if problem.sought else None
        if lack is not None:
            words, fix = lack
            problems.append(replace(problem, problem=words, fix=fix, sought=None))
        elif problem.sought not in things:
            problems.append(problem)
    refused = InvalidArguments(error.message, tuple(problems))
    refused.looked = True
    return refused
