"""Which scopes to ask for: those of the actions that will be used, and no more. Computed from the specs."""

from collections.abc import Iterable

from klaviyo_mcp.loose_json import nearest
from klaviyo_mcp.registry.model import ActionSpec
from klaviyo_mcp.runtime.settings import SettingsError

MARKETING = frozenset(
    {"accounts", "campaigns", "coupons", "events", "flows", "forms", "images", "lists", "metrics", "profiles"}
    | {"reporting", "reviews", "segments", "tags", "templates", "web_feeds"}
)
"""The toolsets of everyday marketing, whose scopes `--scopes marketing` asks for."""
BEYOND = frozenset(
    {"catalogs", "client", "conversations", "custom_objects", "data_privacy", "tracking_settings", "webhooks"}
)
"""The other toolsets: what touches privacy, webhooks, catalogues and data models."""
ALWAYS = frozenset({"accounts:read"})
"""To say whose account it is."""


def choose_scopes(text: str, specs: Iterable[ActionSpec]) -> list[str]:
    """`read`, `marketing` or `all`, or scopes and names of toolsets separated by commas; sorted.

    Raises SettingsError that names the nearest right word.
    """
    specs = list(specs)
    every = {scope for spec in specs for scope in spec.scopes}
    toolsets = {spec.toolset for spec in specs}
    wanted: set[str] = set()
    words = [word for part in text.split(",") for word in part.split()]
    for word in words:
        if word in every:
            wanted.add(word)
        elif word in ("read", "marketing", "all") or word in toolsets:
            wanted |= {scope for spec in specs if _meant(word, spec) for scope in spec.scopes}
        else:
            near = nearest(word, sorted(every | toolsets | {"read", "marketing", "all"}))
            hint = f"did you mean {near[0]!r}?" if near else "klaviyo-mcp actions show ACTION tells an action's scopes."
            raise SettingsError(f"--scopes: there is no scope or toolset {word!r}; {hint}")
    if not wanted:
        raise SettingsError("--scopes needs read, marketing, all, or a list such as lists:read,profiles:read.")
    return sorted(wanted | (ALWAYS & every))


def undecided(specs: Iterable[ActionSpec]) -> list[str]:
    """What is to be done about toolsets that came or went; `specs check` tells it."""
    toolsets, named = {spec.toolset for spec in specs}, MARKETING | BEYOND
    return [
        *(f"the toolset {new!r} is new: name it in MARKETING or in BEYOND" for new in sorted(toolsets - named)),
        *(f"names the toolset {gone!r}, which has no specs" for gone in sorted(named - toolsets)),
    ]


def told(scopes: Iterable[str]) -> str:
    """What scopes allow, in words: what may be changed and what only read."""
    scopes = set(scopes)
    changes = sorted(scope.removesuffix(":write") for scope in scopes if scope.endswith(":write"))
    reads = sorted({scope.removesuffix(":read") for scope in scopes if scope.endswith(":read")} - set(changes))
    parts = [f"read and change {', '.join(changes)}"] if changes else []
    parts += [f"read {', '.join(reads)}"] if reads else []
    return "; ".join(parts) or "nothing"


def _meant(word: str, spec: ActionSpec) -> bool:
    match word:
        case "all":
            return True
        case "read":
            return spec.effect == "read"
        case "marketing":
            return spec.toolset in MARKETING
        case toolset:
            return spec.toolset == toolset
