"""Which scopes to ask for: those of the actions that will be used, and no more. Computed from the specs."""

from collections.abc import Iterable

from klaviyo_mcp.loose_json import nearest
from klaviyo_mcp.registry.model import ActionSpec
from klaviyo_mcp.registry.toolsets import ALWAYS, MARKETING
from klaviyo_mcp.runtime.settings import SettingsError


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
