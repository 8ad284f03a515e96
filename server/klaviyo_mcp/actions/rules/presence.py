"""Rules about what is given: which arguments go together, and which exclude each other."""

from collections.abc import Iterator

from klaviyo_mcp.actions.errors import Problem
from klaviyo_mcp.actions.rules.scope import Scope
from klaviyo_mcp.actions.rules.words import both, either
from klaviyo_mcp.loose_json import is_list
from klaviyo_mcp.registry.precondition import Precondition


def exactly_one_of(rule: Precondition, scope: Scope) -> Iterator[Problem]:
    """One of these arguments, and no other of them."""
    names = rule.exactly_one_of or []
    if not any(scope.has(name) for name in names):
        problem = f"exactly one of {either(names)} is needed, and none was given"
        yield Problem(scope.within, problem, scope.hint or "Give one of them")
    else:
        yield from _exclusive(names, scope)


def at_least_one_of(rule: Precondition, scope: Scope) -> Iterator[Problem]:
    """One of these arguments or more; null is none."""
    names = rule.at_least_one_of or []
    if not any(scope.has(name) for name in names):
        yield Problem(scope.within, f"at least one of {either(names)} is needed", scope.hint or "Give one of them")


def at_least_one_given(rule: Precondition, scope: Scope) -> Iterator[Problem]:
    """One of these arguments or more; to clear a field is something to do."""
    names = rule.at_least_one_given or []
    if not any(scope.ever_at(name) for name in names):
        none = f", as none of {either(names)} is given" if scope.hint else ""
        yield Problem(
            scope.within, f"there is nothing to change{none}", scope.hint or f"Give at least one of {either(names)}"
        )


def at_most_one_of(rule: Precondition, scope: Scope) -> Iterator[Problem]:
    """One of these arguments or none."""
    yield from _exclusive(rule.at_most_one_of or [], scope)


def together(rule: Precondition, scope: Scope) -> Iterator[Problem]:
    """An argument that needs others beside it."""
    if (need := rule.together) and _is_given(scope, need.argument, need.equals):
        for name in need.needs:
            yield from (
                Problem(lacking, f"is needed together with {need.argument}", scope.hint)
                for lacking in scope.lacking(name)
            )


def requires(rule: Precondition, scope: Scope) -> Iterator[Problem]:
    """Arguments that are needed, at every place where they can be given."""
    why = _condition(rule)
    for name in rule.requires or []:
        yield from (Problem(lacking, f"is needed{why}", scope.hint) for lacking in scope.lacking(name))


def forbids(rule: Precondition, scope: Scope) -> Iterator[Problem]:
    """Arguments that must be left out."""
    why = _condition(rule)
    for name in rule.forbids or []:
        for found in scope.at(name):
            yield Problem(found.name, f"must be left out{why}", scope.hint or "Leave it out")


def only_alone(rule: Precondition, scope: Scope) -> Iterator[Problem]:
    """An argument beside which nothing else may be changed in the same call."""
    if (alone := rule.only_alone) and _is_given(scope, alone.argument, alone.equals):
        others = [name for name in scope.arguments if name not in (alone.argument, *alone.beside)]
        value = "" if alone.equals is None else f" {_shown(alone.equals)}"
        if others:
            problem = f"{alone.argument}{value} must be the only change, and {both(others)} came with it"
            yield Problem(alone.argument, problem, scope.hint or f"Change {both(others)} in a call of its own")


def _exclusive(names: list[str], scope: Scope) -> Iterator[Problem]:
    given = [name for name in names if scope.has(name)]
    if len(given) > 1:
        yield Problem(
            scope.within, f"{both(given)} exclude each other", scope.hint or f"Give only one of {either(names)}"
        )


def _is_given(scope: Scope, place: str, equals: object) -> bool:
    """Whether there is something at a place, and it is what it should be, if that is stated."""
    values = [found.value for found in scope.at(place)]
    return bool(values) if equals is None else equals in values


def _condition(rule: Precondition) -> str:
    """The guards of a rule in words, so that an agent sees what else could be changed."""
    when = [f"{place} is {_shown(value)}" for place, value in rule.when.items()]
    unless = [f"{place} is {_shown(value)}" for place, value in rule.unless.items()]
    return (f" when {both(when)}" if when else "") + (f" unless {both(unless)}" if unless else "")


def _shown(value: object) -> str:
    """A value of JSON in words."""
    if is_list(value):
        return either([_shown(each) for each in value])
    return "absent" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
