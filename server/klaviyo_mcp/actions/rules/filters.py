"""Rules about the conditions of a filter, beyond which fields and operators there are."""

import re
from collections import Counter
from collections.abc import Iterator

from klaviyo_mcp.actions.errors import Problem
from klaviyo_mcp.actions.rules.scope import Scope
from klaviyo_mcp.klaviyo.filters import Condition, FilterSyntaxError, parse
from klaviyo_mcp.registry.precondition import Conditions, Precondition


def conditions(rule: Precondition, scope: Scope) -> Iterator[Problem]:
    """Each field once, at most so many values in a list, values of a certain form."""
    if stated := rule.conditions:
        for found in scope.at(stated.of):
            try:
                parsed = parse(found.value) if isinstance(found.value, str) else []
            except FilterSyntaxError:
                continue  # the check of arguments speaks of that
            for problem, fix in _of_all(parsed, stated):
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
