"""What can be found by name and how; and a bare name where an id belongs, answered with the ids of what bears it.

Nothing is put in the place of a bare name: whoever called chooses. A look that fails leaves the error as it was.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

from klaviyo_mcp.actions.errors import InvalidArguments, Problem
from klaviyo_mcp.actions.formats import is_email
from klaviyo_mcp.klaviyo.words import one_line
from klaviyo_mcp.loose_json import JSON, mapping
from klaviyo_mcp.registry.id_forms import ID_FORMS

MOST_READS = 3
"""Reads that one wrong call is worth."""
MOST_SHOWN = 5
LONGEST_NAME = 200

Look = Callable[[str, JSON], Awaitable[list[JSON]]]
"""The records that a read action finds with some arguments; none where it fails."""


@dataclass(frozen=True, slots=True)
class Finder:
    """How things are found by name: a read action, the operator of its filter, the field that holds the name.

    Without an operator the action cannot be asked for a name, and what it reads is looked through here. `beside` are
    arguments that it needs as well. `most_read` records are looked through where nothing is found by the filter: none
    at 0, and what one answer holds where it is None. `told` are dotted fields, and `label` is a word, that tell things
    of one name apart.
    """

    action: str
    operator: str | None = "equals"
    name: str = "name"
    beside: JSON = field(default_factory=dict[str, Any])
    most_read: int | None = 100
    told: tuple[str, ...] = ()
    label: str = ""

    def arguments(self, text: str) -> JSON:
        """The arguments of the read that looks for a name."""
        if self.operator is None:
            return self.all_arguments
        return {**self.beside, "filter": [{"field": self.name, "operator": self.operator, "value": text}]}

    @property
    def all_arguments(self) -> JSON:
        """The arguments of the read that looks for nothing."""
        return {**self.beside, **({"max_records": self.most_read} if self.most_read else {})}


def _campaigns(channel: str, label: str) -> Finder:
    fields = ["name", "status", "send_time"]
    beside = {"channel": channel, "campaign_fields": fields}
    return Finder("get_campaigns", "contains", beside=beside, told=("status", "send_time"), label=label)


_LISTS = Finder("get_lists", beside={"list_fields": ["name"]})
_SEGMENTS = Finder("get_segments", beside={"segment_fields": ["name"]})
_CUSTOM_METRICS = Finder("get_custom_metrics", None, beside={"custom_metric_fields": ["name"]}, most_read=None)
FINDERS: dict[str, list[Finder]] = {
    "list-id": [_LISTS],
    "segment-id": [_SEGMENTS],
    "audience-id": [replace(_LISTS, label="list"), replace(_SEGMENTS, label="segment")],
    "template-id": [Finder("get_templates", beside={"template_fields": ["name"]})],
    "flow-id": [Finder("get_flows", beside={"flow_fields": ["name", "status"]}, told=("status",))],
    "form-id": [Finder("get_forms", beside={"form_fields": ["name", "status"]}, told=("status",))],
    "tag-id": [Finder("get_tags")],
    "tag-group-id": [Finder("get_tag_groups")],
    "image-id": [Finder("get_images", beside={"image_fields": ["name"]})],
    "web-feed-id": [Finder("get_web_feeds", beside={"web_feed_fields": ["name"]})],
    "universal-content-id": [
        Finder("get_all_universal_content", beside={"template_universal_content_fields": ["name"]})
    ],
    "campaign-id": [_campaigns("email", "email"), _campaigns("sms", "SMS"), _campaigns("mobile_push", "push")],
    # Neither has a filter by name. A page of metrics holds 200, and few accounts have more than two.
    "metric-id": [
        Finder("get_metrics", None, most_read=400, told=("integration.name",)),
        replace(_CUSTOM_METRICS, label="custom metric"),
    ],
    "custom-metric-id": [_CUSTOM_METRICS],
    "webhook-id": [Finder("get_webhooks", None, beside={"webhook_fields": ["name"]}, most_read=None)],
    **{
        f"brand-{name.replace('_', '-')}-id": [
            Finder(f"get_brand_{name}s", None, beside={f"brand_{name}_fields": ["name"]}, most_read=None)
        ]
        for name in ("logo", "button", "color", "social_group")
    },
    # An account may have more people than could ever be looked through.
    "profile-id": [Finder("get_profiles", name="email", beside={"profile_fields": ["email"]}, most_read=0)],
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
    return [_line(record, finder) for record in same]


def label(finder: Finder, record: JSON) -> list[str]:
    """What tells a record from others of its name, as far as it has that."""
    found = [finder.label]
    for path in finder.told:
        value: Any = record
        for part in path.split("."):
            value = mapping(value).get(part)
        found.append(one_line(str(value), 60) if value else "")
    return [word for word in found if word]


def _line(record: JSON, finder: Finder) -> str:
    told = ", ".join(label(finder, record))
    return f"{record.get('id')} ({told})" if told else str(record.get("id"))


def _told(problem: Problem, found: dict[tuple[str, str], list[str]]) -> Problem:
    lines = found.get(problem.sought, []) if problem.sought else []
    if not lines or problem.sought is None:
        return problem
    kind, _ = problem.sought
    by = "e-mail address" if kind == "profile-id" else "name"
    words = f"A {ID_FORMS[kind].thing} of that {by} is here" if len(lines) == 1 else f"Of that {by} there are here"
    more = f", and {len(lines) - MOST_SHOWN} more" if len(lines) > MOST_SHOWN else ""
    return replace(problem, fix=f"{words}: {', '.join(lines[:MOST_SHOWN])}{more}")
