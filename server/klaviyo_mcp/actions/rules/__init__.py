"""The rules that a spec can declare and that need no request, a small function for each, by kind."""

from collections.abc import Callable, Iterator

from klaviyo_mcp.actions.errors import Problem
from klaviyo_mcp.actions.rules import amounts, contents, filters, presence, times
from klaviyo_mcp.actions.rules.scope import Scope
from klaviyo_mcp.registry.precondition import Precondition

Rule = Callable[[Precondition, Scope], Iterator[Problem]]

RULES: dict[str, Rule] = {
    "exactly_one_of": presence.exactly_one_of,
    "at_least_one_of": presence.at_least_one_of,
    "at_least_one_given": presence.at_least_one_given,
    "at_most_one_of": presence.at_most_one_of,
    "together": presence.together,
    "requires": presence.requires,
    "forbids": presence.forbids,
    "only_alone": presence.only_alone,
    "items": amounts.items,
    "bytes": amounts.size,
    "text_bytes": amounts.text_size,
    "differ": amounts.differ,
    "includes": amounts.includes,
    "in_past": times.in_past,
    "in_future": times.in_future,
    "within": times.within,
    "ordered": times.ordered,
    "span": times.span,
    "has_offset": times.has_offset,
    "in_utc": times.in_utc,
    "conditions": filters.conditions,
    "distinct": contents.distinct,
    "nothing_empty": contents.nothing_empty,
}
"""Every kind of precondition but those that look into the account, or at what was sent before."""
