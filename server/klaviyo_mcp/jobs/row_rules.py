"""The rules of a kind's action that are about single rows: asked at the check, and not first when a request is refused.

A spec says them of places in the arguments, such as `groups[].events[].time`; the kind's template says from where in an
item these are filled. What a rule says of other places, or of rows together, is left to the call itself.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import product
from typing import Any

from klaviyo_mcp.actions.errors import Problem
from klaviyo_mcp.actions.request import fill
from klaviyo_mcp.actions.rules import RULES, Rule
from klaviyo_mcp.actions.rules.scope import scopes
from klaviyo_mcp.jobs.items import Item
from klaviyo_mcp.jobs.kind import Kind, option_places
from klaviyo_mcp.loose_json import JSON, is_list, is_object
from klaviyo_mcp.registry.holes import hole
from klaviyo_mcp.registry.precondition import Precondition

OF_ONE_PLACE = {"within", "in_past", "in_future", "has_offset", "in_utc", "requires", "forbids"}
"""Kinds of rules that look at each place by itself, in many items at once."""
OF_SIZE = {"bytes", "text_bytes"}
"""Kinds that only a large item can break, which are asked about those alone."""
ADVICE = "Correct it, or leave the row out"
ROW = re.compile(r"rows\[(\d+)\]\.?(.*)")


class RowRules:
    """The rules that single items can break, for the options of one job."""

    def __init__(self, kind: Kind, preconditions: Iterable[Precondition], options: JSON) -> None:
        """`preconditions` are those of the kind's action. What depends on now is of the moment when this is made."""
        self._now = datetime.now(UTC)
        call = fill(kind.arguments, {"items": [], "options": options})
        filled = list(_filled(kind.arguments, ""))
        self._rules: list[tuple[Rule, Precondition, int]] = []
        for rule in preconditions:
            if not rule.warns and (found := _of_items(rule, filled, call, self._now)) is not None:
                found = found.model_copy(update={"hint": _in_words_of(kind, rule.hint or ADVICE)})
                limit = found.bytes or found.text_bytes
                self._rules.append((RULES[found.kind], found, limit.at_most if limit else 0))

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self._rules)

    def broken(self, items: Sequence[Item]) -> dict[int, Problem]:
        """What is wrong with some of these items, by their position: the first of each, its place as in the item."""
        found: dict[int, Problem] = {}
        for ask, rule, more_than in self._rules:
            at = (
                [place for place, item in enumerate(items) if item.size >= more_than]
                if more_than
                else range(len(items))
            )
            for scope in scopes(rule, {"rows": [items[place].body for place in at]}, self._now) if at else ():
                for problem in ask(rule, scope):
                    if (row := ROW.match(problem.argument)) is not None:
                        found.setdefault(at[int(row[1])], Problem(row[2], problem.problem, problem.fix))
        return found


def _of_items(rule: Precondition, filled: list[tuple[str, str]], call: JSON, now: datetime) -> Precondition | None:
    """The same rule for `rows[]`, each an item; None where it is about something else, or not about this call."""
    guards = [*rule.when, *rule.unless, *rule.given]
    if rule.kind not in OF_ONE_PLACE | OF_SIZE or (rule.each and guards):
        return None
    if not list(scopes(rule.model_copy(update={"each": None}), call, now)):
        return None
    stated: Any = getattr(rule, rule.kind)
    given: list[str] = [stated] if isinstance(stated, str) else stated if is_list(stated) else stated.of or [""]
    wanted = [f"{rule.each}.{place}".rstrip(".") if rule.each else place for place in given]
    places = [found for place in wanted for one in _each(place) if (found := _in_item(one, filled)) is not None]
    if not places:
        return None
    by_row = rule.kind in OF_SIZE
    named = [place if by_row else f"rows[].{place}" for place in places if place]
    new: object = named if isinstance(stated, str | list) else stated.model_copy(update={"of": named})
    each = "rows[]" if by_row else None
    return rule.model_copy(update={rule.kind: new, "each": each, "when": {}, "unless": {}, "given": []})


def _in_words_of(kind: Kind, hint: str) -> str:
    """A hint, with the options of the job in place of the arguments that they fill."""
    options = {place: f"the option {name}" for name, place in option_places(kind.arguments)}
    return re.sub(r"\w+", lambda word: options.get(word[0], word[0]), hint)


def _in_item(place: str, filled: list[tuple[str, str]]) -> str | None:
    """Where in an item that stands which fills a place of the arguments, "" for all of it; None where nothing does."""
    for above, source in filled:
        if re.match(rf"{re.escape(above)}(\.|\[|$)", place):
            return f"{source}{place.removeprefix(above)}".lstrip(".")
    return None


def _each(place: str) -> Iterator[str]:
    """A place without alternatives: each of those that `email|sms.marketing` stands for."""
    for parts in product(*(part.split("|") for part in place.split("."))):
        yield ".".join(parts)


def _filled(template: Any, at: str) -> Iterator[tuple[str, str]]:
    """Each place of the arguments that is filled from an item, and from where in it."""
    name = hole(template)
    if name == "items":
        yield f"{at}[]", ""
    elif name and name.startswith("item."):
        yield at, name.removeprefix("item.")
    elif is_object(template) and hole(template.get("$each")) == "items":
        yield from _filled(template["$do"], f"{at}[]")
    elif is_object(template):
        for key, value in template.items():
            yield from _filled(value, f"{at}.{key}" if at else key)
    elif is_list(template):
        for value in template:
            yield from _filled(value, f"{at}[]")
