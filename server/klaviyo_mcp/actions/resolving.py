"""What a call leaves to the account to say, looked up before its plan is made: names for ids, and what was left out.

A plan is tried with what is known, and its errors say what is sought; so only what is needed is looked up, wherever in
a call it stands. Nothing is sent but reads.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from klaviyo_mcp.accounts.account import Account
from klaviyo_mcp.accounts.glimpses import Glimpses
from klaviyo_mcp.actions.by_name import ByName
from klaviyo_mcp.actions.candidates import with_candidates
from klaviyo_mcp.actions.defaults import DEFAULTS, Look, NotFoundHere
from klaviyo_mcp.actions.errors import ActionError, InvalidArguments, Problem
from klaviyo_mcp.actions.forms import shown
from klaviyo_mcp.actions.plan import Plan
from klaviyo_mcp.actions.settled import NOTHING, Settled, Sought, Thing, name_in
from klaviyo_mcp.klaviyo.errors import AuthenticationFailed, ConnectionFailed, KlaviyoError
from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.registry.holes import hole
from klaviyo_mcp.registry.id_forms import ID_FORMS
from klaviyo_mcp.registry.registry import Registry

MOST_NAMES = 10
"""Different names of one call that are looked up."""

Attempt = Callable[[Settled], Awaitable[Plan]]
"""Makes the plan of a call with what is settled."""


class NamedTarget(InvalidArguments):
    """A name stands for what a destructive call is done to."""

    looked = True
    advice = "Show the user what the name stands for; if they mean that, call again with the id."


@dataclass(frozen=True, slots=True)
class Resolver:
    """Looks up what one call needs. `look` reads, and raises what that does; `glance` gives none where it fails.

    `look_for_names` does as `look`, and what the server's policy does not let an agent read is not read by it. `anew`
    takes nothing that was read for an earlier call.
    """

    registry: Registry
    account: Account
    look: Look
    look_for_names: Look
    glance: Callable[[str, JSON], Awaitable[list[JSON]]]
    anew: bool = False
    fresh: Glimpses = field(default_factory=Glimpses)

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
                    refused = await with_candidates(error, self.glance)
                    refused.looked = settled is not NOTHING
                    raise refused from None
                settled = await self._settled(settled, sought, error)
                continue
            except ActionError as error:
                error.looked = error.looked or settled is not NOTHING
                raise
            if plan.effect == "destructive":
                _check_unnamed(plan, settled)
            settled = await self._with_what_steps_may_need(plan, settled)
            read_as = {**plan.understood.read_as, **settled.told}
            return replace(plan, settled=settled, understood=replace(plan.understood, read_as=read_as))

    def _sought(self, error: InvalidArguments, settled: Settled) -> list[tuple[str, Sought]]:
        """What is still to be looked up, by the place it is for. Raises InvalidArguments for too much of it."""
        found = [
            (problem.argument, problem.sought)
            for problem in error.problems
            if problem.sought is not None
            and problem.sought not in settled.things
            and (problem.sought[0] in DEFAULTS or name_in(problem.sought) is not None)
        ]
        names = {one for one in [*settled.things, *(one for _, one in found)] if one[0] not in DEFAULTS}
        if len(names) > MOST_NAMES:
            words = f"names more than {MOST_NAMES} things in place of ids, which is as many as are looked up for a call"
            raise InvalidArguments(error.message, (Problem("", words, "Give the ids of the others, or call in parts"),))
        return found

    async def _settled(self, settled: Settled, sought: list[tuple[str, Sought]], error: InvalidArguments) -> Settled:
        """What was settled, and what is found of what is sought. Raises InvalidArguments with all that is not."""
        things: dict[Sought, Thing] = {}
        missing: dict[Sought, tuple[str, str]] = {}
        for one in dict.fromkeys(one for _, one in sought):
            try:
                things[one] = await self._found(one)
            except NotFoundHere as lack:
                missing[one] = (lack.problem, lack.fix)
        if missing:
            raise _refused(error, missing, things)
        return settled.and_also(things, sought)

    async def _found(self, sought: Sought) -> Thing:
        """The one thing that is sought. Raises NotFoundHere."""
        finder, _ = sought
        if (default := DEFAULTS.get(finder)) is None:
            kept = self.fresh if self.anew else self.account.glimpses
            return await ByName(self.look_for_names, kept).find(sought)
        facts, writes = self.account.facts, self.account.glimpses.writes
        if not self.anew and (known := facts.found(finder, writes)) is not None:
            return Thing(*known)
        try:
            thing = await default.find(self.look)
        except NotFoundHere as lack:
            raise NotFoundHere(lack.problem, lack.fix or default.otherwise) from None
        except (ConnectionFailed, AuthenticationFailed):
            raise  # whatever was given in its place would not help
        except (ActionError, KlaviyoError) as error:
            words = f"is left out, and {default.thing} could not be looked up ({error.message.rstrip('.')})"
            raise NotFoundHere(words, default.otherwise) from None
        facts.keep(finder, (thing.id, thing.called), writes)
        return thing

    async def _with_what_steps_may_need(self, plan: Plan, settled: Settled) -> Settled:
        """Also what stands for arguments that steps leave out whose calls are not known yet.

        What is not found is no error: the step may not run at all, and says so itself if it does.
        """
        for name, finder in _later(plan, self.registry):
            sought = (finder, "")
            if sought not in settled.things:
                try:
                    thing = await self._found(sought)
                except (NotFoundHere, ConnectionFailed, AuthenticationFailed):
                    continue
                settled = settled.and_also({sought: thing}, [(name, sought)])
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
                    argument = planned.step.arguments.get(name) if action is own else None
                    if not _is_given(argument, part):
                        # What the call itself leaves out is told by its own name.
                        yield (hole(argument) if part is plan else None) or name, finder


def _is_given(argument: object, part: Plan) -> bool:
    """Whether a step gets an argument: not where it passes on one that was left out itself."""
    passed_on = hole(argument)
    return argument is not None and not (passed_on in part.action.spec.properties and passed_on not in part.arguments)


def without_account(error: InvalidArguments) -> InvalidArguments:
    """The error of a plan that is made for no account, in which no name can be looked up."""
    problems: list[Problem] = []
    for problem in error.problems:
        if problem.sought is not None and name_in(problem.sought) is not None:
            form = ID_FORMS[problem.sought[0]]
            words = f"{shown(problem.sought[1])} names {form.article} {form.thing}, and there is no account to look in"
            fix = f"Give the id ({form.words}), or make the call for an account"
            problem = replace(problem, problem=words, fix=fix)
        problems.append(problem)
    return InvalidArguments(error.message, tuple(problems))


def _check_unnamed(plan: Plan, settled: Settled) -> None:
    """Raises InvalidArguments for names in a call that removes something or cannot be undone, with their ids.

    A list that was renamed, or another of that name, must not be hit by a slip: a person can tell by the id.
    """
    if not settled.named:
        return
    name = plan.action.name
    problems = tuple(
        Problem(place, f"is a name, which {name} does not act on: it is {thing}", f"Give {thing.id} if it is meant")
        for place, thing in settled.named
    )
    raise NamedTarget(f"{name} was not called: it is destructive, so what it is done to is given by id.", problems)


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
