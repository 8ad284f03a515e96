"""Names and globs of actions and toolsets, as flags and policy files have them: each stands for something."""

from collections.abc import Iterable
from fnmatch import fnmatchcase

from klaviyo_mcp.loose_json import nearest
from klaviyo_mcp.registry.registry import Registry

MARKS = "*?["
"""What makes a name a glob."""


class NamesNothing(ValueError):
    """A name or glob that stands for no action, or no toolset."""


def actions_named(globs: Iterable[str], registry: Registry) -> frozenset[str]:
    """The actions that names and globs stand for. Raises NamesNothing for one that stands for none."""
    known = [action.name for action in registry.actions]
    found: set[str] = set()
    for glob in globs:
        if not any(mark in glob for mark in MARKS) and (action := registry.by_name.get(glob)):
            found.add(action.name)
        else:
            found |= set(_matching(glob, known, "action"))
    return frozenset(found)


def toolsets_named(globs: Iterable[str], registry: Registry) -> frozenset[str]:
    """The toolsets that names and globs stand for. Raises NamesNothing for one that stands for none."""
    return frozenset(name for glob in globs for name in _matching(glob, registry.toolsets, "toolset"))


def _matching(glob: str, known: list[str], thing: str) -> list[str]:
    found = [name for name in known if fnmatchcase(name, glob)]
    if not found:
        is_glob = any(mark in glob for mark in MARKS)
        near = nearest(glob.strip(MARKS + "]"), known)
        hint = f"did you mean {near[0]!r}?" if near else "see 'klaviyo-mcp actions list'."
        raise NamesNothing(f"{f'no {thing} fits' if is_glob else f'there is no {thing}'} {glob!r}; {hint}")
    return found
