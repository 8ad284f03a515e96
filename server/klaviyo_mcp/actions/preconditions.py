"""The rules a spec declares beyond its schema and that need no request: which arguments go together, what is past.

They are checked together, so that all problems come back at once. Rules that look into the account are in `live_rules`.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from klaviyo_mcp.actions.errors import PreconditionFailed, Problem
from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.registry.model import NeedsOther, Precondition
from klaviyo_mcp.registry.registry import Action


def check_preconditions(action: Action, arguments: JSON, now: datetime | None = None) -> None:
    """Every rule that needs no request. Raises PreconditionFailed with all that do not hold."""
    problems: list[Problem] = []
    for rule in action.spec.preconditions:
        if not rule.is_live:
            problems += _check(rule, arguments, now or datetime.now(UTC))
    if problems:
        raise failed(action, problems)


def failed(action: Action, problems: list[Problem], *, looked: bool = False) -> PreconditionFailed:
    """The error for rules that do not hold; `looked` says whether the account was read for them."""
    message = f"{action.name} was not called: a precondition does not hold."
    return PreconditionFailed(message, tuple(problems), looked=looked)


def _check(rule: Precondition, arguments: JSON, now: datetime) -> Iterable[Problem]:
    hint = rule.hint or ""
    if rule.exactly_one_of:
        yield from _exactly_one(rule.exactly_one_of, arguments, hint)
    elif names := rule.at_least_one_of:
        if not _present(names, arguments):
            yield Problem("", f"at least one of {_or(names)} is needed", hint or "Give one of them")
    elif names := rule.at_least_one_given:
        if not any(name in arguments for name in names):
            yield Problem("", "there is nothing to change", hint or f"Give at least one of {_or(names)}")
    elif names := rule.at_most_one_of:
        if len(given := _present(names, arguments)) > 1:
            yield Problem("", f"{_and(given)} exclude each other", hint or f"Give only one of {_or(names)}")
    elif rule.together:
        yield from _together(rule.together, arguments, hint)
    elif items := rule.items:
        count = sum(len(arguments.get(name) or ()) for name in items.of)
        if count > items.at_most:
            yield Problem(_and(items.of), f"hold {count} items, at most {items.at_most} are allowed", hint)
    elif name := rule.in_past or rule.in_future:
        side = "past" if rule.in_past else "future"
        moment = _moment(arguments.get(name))
        if moment is not None and (moment < now) != (side == "past"):
            yield Problem(name, f"must be in the {side}; it is now {now:%Y-%m-%dT%H:%MZ}", hint)


def _exactly_one(names: list[str], arguments: JSON, hint: str) -> Iterable[Problem]:
    given = _present(names, arguments)
    if not given:
        yield Problem("", f"exactly one of {_or(names)} is needed, and none was given", hint or "Give one of them")
    elif len(given) > 1:
        yield Problem("", f"{_and(given)} exclude each other", hint or f"Give only one of {_or(names)}")


def _together(need: NeedsOther, arguments: JSON, hint: str) -> Iterable[Problem]:
    value = arguments.get(need.argument)
    if value is not None and need.equals in (None, value):
        for name in need.needs:
            if arguments.get(name) is None:
                yield Problem(name, f"is needed together with {need.argument}", hint)


def _present(names: list[str], arguments: JSON) -> list[str]:
    return [name for name in names if arguments.get(name) is not None]


def _moment(value: Any) -> datetime | None:
    if not isinstance(value, str):
        return None
    moment = datetime.fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _or(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def _and(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
