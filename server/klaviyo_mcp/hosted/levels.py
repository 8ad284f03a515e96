"""The three levels of access in words for people."""

from collections.abc import Sequence
from dataclasses import dataclass

from klaviyo_mcp.authorization.levels import Level
from klaviyo_mcp.authorization.replies import Choice

WORDS: dict[Level, tuple[str, str, str]] = {
    "klaviyo:read": (
        "Look only",
        "Read lists, people, campaigns, flows, events and reports. Nothing in Klaviyo can be changed.",
        "",
    ),
    "klaviyo:marketing": (
        "Marketing",
        "Also make and change campaigns, flows, lists, segments, templates, coupons, tags, people and their consent.",
        "Campaigns can be sent and people subscribed or unsubscribed. What reaches people or cannot be taken back is "
        "shown first and waits for a yes.",
    ),
    "klaviyo:full": (
        "Everything",
        "Also the product catalogue, webhooks, custom data and tracking, and erasing a person's data for good.",
        "Data can be erased for good. What cannot be taken back is shown first and waits for a yes.",
    ),
}
"""By level: its title, what it allows, and what cannot be taken back."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A level as a page offers it: `scopes` are what Klaviyo will ask about."""

    level: Level
    title: str
    allows: str
    warns: str
    actions: int
    scopes: tuple[str, ...]
    suggested: bool


def described(choices: Sequence[Choice]) -> list[Offer]:
    """Levels in words, in the order given."""
    return [
        Offer(choice.level, *WORDS[choice.level], choice.actions, choice.scopes, choice.suggested) for choice in choices
    ]


def title_of(level: Level) -> str:
    """What a level is called."""
    return WORDS[level][0]
