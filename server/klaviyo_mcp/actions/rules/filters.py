"""Rules about the conditions of a filter, beyond which fields and operators there are."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

from klaviyo_mcp.actions.errors import Problem
from klaviyo_mcp.actions.rules.scope import Scope
from klaviyo_mcp.actions.rules.times import SLACK
from klaviyo_mcp.actions.rules.words import both
from klaviyo_mcp.klaviyo.filters import Bare, Condition, FilterSyntaxError, parse
from klaviyo_mcp.registry.precondition import Conditions, Precondition


def conditions(rule: Precondition, scope: Scope) -> Iterator[Problem]:
    """Each field once, at most so many values in a list, values of a certain form."""
    if stated := rule.conditions:
        for found in scope.at(stated.of):
            try:
                parsed = parse(found.value) if isinstance(found.value, str) else []
            except FilterSyntaxError:
                continue  # the check of arguments speaks of that
            for problem, fix in (*_of_all(parsed, stated), *_together(parsed, stated), *_times(parsed, stated, scope)):
                yield Problem(found.name, problem, scope.hint or fix)


def _of_all(given: list[Condition], stated: Conditions) -> Iterator[tuple[str, str]]:
    if stated.once:
        for field, count in Counter(condition.field for condition in given).items():
            if count > 1:
                yield f"{field} is filtered by {count} times, and may be once", f"Join them, or leave one {field} out"
    for condition in given:
        values = condition.value if isinstance(condition.value, list) else [condition.value]
        if stated.values_at_most is not None and len(values) > stated.values_at_most:
            problem = f"{condition.field} has {len(values)} values, at most {stated.values_at_most} are allowed"
            yield problem, "Spread them over several calls"
        if form := stated.forms.get(condition.field):
            for value in values:
                if not re.fullmatch(form, str(value)):
                    yield f"{value!r} has not the form that {condition.field} needs", f"It must match {form}"


def _together(given: list[Condition], stated: Conditions) -> Iterator[tuple[str, str]]:
    """Fields that need others beside them, or that cannot stand beside others."""
    fields = list(dict.fromkeys(condition.field for condition in given))
    for field, needs in stated.needs.items():
        for lacking in [need for need in needs if need not in fields] if _of(field, fields) else []:
            yield f"{field.rstrip('.')} can only be filtered by together with {lacking}", f"Add {lacking}"
    groups = [named for group in stated.apart if (named := [one for field in group for one in _of(field, fields)])]
    if len(groups) > 1:
        yield f"{groups[0][0]} and {groups[1][0]} cannot be filtered by in one call", "Make a call for each"
    several = [condition.field for condition in given if condition.field in stated.one_of]
    if len(several) > 1:
        yield f"{both(several)} cannot be filtered by in one call", "Keep one condition of these"


def _times(given: list[Condition], stated: Conditions, scope: Scope) -> Iterator[tuple[str, str]]:
    """Bounds that must not be in the future, and the order that they demand."""
    for condition in given:
        moment = _moment(condition.value) if condition.field in stated.in_past else None
        if moment is not None and moment > scope.now + SLACK:
            problem = f"{condition.field} is compared with {moment.isoformat()}, which is in the future"
            yield problem, "Klaviyo refuses such a bound; leave it out, or give one up to now"
    dated = [condition.field for condition in given if condition.field in stated.sorted_alike]
    sort = str(scope.arguments.get("sort", "")).removeprefix("-")
    if dated and sort and sort not in dated:
        yield f"filters by {dated[0]} while sort is {sort}", f"Sort by {dated[0]}, or leave sort out"


def _moment(value: object) -> datetime | None:
    """A bound as a time; without an offset it counts as UTC."""
    try:
        moment = datetime.fromisoformat(value.text if isinstance(value, Bare) else str(value))
    except ValueError:
        return None  # the check of arguments speaks of that
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _of(field: str, fields: list[str]) -> list[str]:
    """The fields that are meant by one: itself, or with a dot at its end all that begin so."""
    return [one for one in fields if one == field or (field.endswith(".") and one.startswith(field))]
