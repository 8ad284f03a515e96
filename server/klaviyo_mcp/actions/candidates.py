"""A name where an id belongs is answered with the ids of what bears that name, where a cheap read can find them.

Nothing is put in the place of what was given: whoever called chooses. A look that fails leaves the error as it was.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

from klaviyo_mcp.actions.errors import InvalidArguments, Problem
from klaviyo_mcp.actions.formats import is_email
from klaviyo_mcp.loose_json import JSON, mapping
from klaviyo_mcp.registry.id_forms import ID_FORMS

MOST_READS = 2
"""Reads that one wrong call is worth."""
MOST_SHOWN = 5
LONGEST_NAME = 200

Look = Callable[[str, JSON], Awaitable[list[JSON]]]
"""The records that a read action finds with some arguments; none where it fails."""


@dataclass(frozen=True, slots=True)
class Finder:
    """How things are found by name: a read action, the operator of its filter, the field that holds the name.

    Without an operator the action cannot be asked for a name, and what it reads is looked through here. `beside` are
    arguments that it needs as well, and `told` a dotted field that tells things of one name apart.
    """

    action: str
    operator: str | None = "equals"
    name: str = "name"
    beside: JSON = field(default_factory=dict[str, Any])
    told: str = ""

    def arguments(self, text: str) -> JSON:
        """The arguments of the read."""
        if self.operator is None:
            return dict(self.beside)
        return {**self.beside, "filter": [{"field": self.name, "operator": self.operator, "value": text}]}


FINDERS: dict[str, list[Finder]] = {
    "list-id": [Finder("get_lists")],
    "segment-id": [Finder("get_segments")],
    "audience-id": [Finder("get_lists", told="type"), Finder("get_segments", told="type")],
    "template-id": [Finder("get_templates", beside={"template_fields": ["name"]})],
    "flow-id": [Finder("get_flows", told="status")],
    "form-id": [Finder("get_forms", told="status")],
    "tag-id": [Finder("get_tags")],
    "tag-group-id": [Finder("get_tag_groups")],
    "image-id": [Finder("get_images")],
    "web-feed-id": [Finder("get_web_feeds")],
    "campaign-id": [Finder("get_campaigns", "contains", beside={"channel": "email"}, told="status")],
    # Metrics have no filter by name; a page holds 200, and few accounts have more than two.
    "metric-id": [Finder("get_metrics", None, beside={"max_records": 400}, told="integration.name")],
    "profile-id": [Finder("get_profiles", name="email", beside={"profile_fields": ["email"]})],
}
"""By the form of ids. What is not here has no name, or none that can be read cheaply."""


async def with_candidates(error: InvalidArguments, look: Look) -> InvalidArguments:
    """The error with the ids of what bears the names that were given, as far as `look` finds any."""
    found: dict[tuple[str, str], list[str]] = {}
    reads = 0
    for sought in dict.fromkeys(problem.sought for problem in error.problems):
        finders = _finders(*sought) if sought else []
        if sought is None or reads + len(finders) > MOST_READS:
            continue
        reads += len(finders)
        found[sought] = [line for finder in finders for line in await _named(finder, sought[1], look)]
    problems = tuple(_told(problem, found) for problem in error.problems)
    return InvalidArguments(error.message, problems)


def _finders(kind: str, text: str) -> list[Finder]:
    name = text.strip()
    if not name or len(name) > LONGEST_NAME or (kind == "profile-id" and not is_email(name)):
        return []
    return FINDERS.get(kind, [])


async def _named(finder: Finder, text: str, look: Look) -> list[str]:
    """The ids of what bears a name, each with what tells it from others: `UwD8nK (Shopify)`."""
    wanted = text.strip().casefold()
    records = await look(finder.action, finder.arguments(text.strip()))
    same = [record for record in records if str(record.get(finder.name, "")).casefold() == wanted]
    return [_line(record, finder.told) for record in same]


def _line(record: JSON, path: str) -> str:
    value: Any = record
    for part in path.split(".") if path else []:
        value = mapping(value).get(part)
    return f"{record.get('id')} ({value})" if path and value else str(record.get("id"))


def _told(problem: Problem, found: dict[tuple[str, str], list[str]]) -> Problem:
    lines = found.get(problem.sought, []) if problem.sought else []
    if not lines or problem.sought is None:
        return problem
    kind, _ = problem.sought
    by = "e-mail address" if kind == "profile-id" else "name"
    words = f"A {ID_FORMS[kind].thing} of that {by} is here" if len(lines) == 1 else f"Of that {by} there are here"
    more = f", and {len(lines) - MOST_SHOWN} more" if len(lines) > MOST_SHOWN else ""
    return replace(problem, fix=f"{words}: {', '.join(lines[:MOST_SHOWN])}{more}")
