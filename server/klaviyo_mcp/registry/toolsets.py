"""Which toolsets are everyday marketing, and which go beyond it: what access to ask for by a word depends on it."""

from collections.abc import Iterable

from klaviyo_mcp.registry.model import ActionSpec

MARKETING = frozenset(
    {"accounts", "billing", "brands", "campaigns", "coupons", "events", "flows", "forms", "images", "jobs", "lists"}
    | {"metrics", "profiles", "reporting", "reviews", "segments", "tags", "templates", "translations", "web_feeds"}
)
"""The toolsets of everyday marketing."""
BEYOND = frozenset(
    {"catalogs", "client", "conversations", "custom_objects", "data_privacy", "text_messaging", "tracking_settings"}
    | {"webhooks"}
)
"""The other toolsets: what touches privacy, webhooks, catalogues, data models and the numbers that texts come from."""
ALWAYS = frozenset({"accounts:read"})
"""Scopes that are always asked for: to say whose account it is."""


def undecided(specs: Iterable[ActionSpec]) -> list[str]:
    """What is to be done about toolsets that came or went; `specs check` tells it."""
    toolsets, named = {spec.toolset for spec in specs}, MARKETING | BEYOND
    return [
        *(f"the toolset {new!r} is new: name it in MARKETING or in BEYOND" for new in sorted(toolsets - named)),
        *(f"names the toolset {gone!r}, which has no specs" for gone in sorted(named - toolsets)),
    ]
