"""Three levels of access, each with the scopes at Klaviyo that its actions need. All of it follows from the specs."""

from collections.abc import Collection, Iterable
from functools import cached_property
from itertools import pairwise
from typing import Literal, get_args

from klaviyo_mcp.loose_json import nearest
from klaviyo_mcp.registry.registry import Action, Registry
from klaviyo_mcp.registry.toolsets import ALWAYS, MARKETING

Level = Literal["klaviyo:read", "klaviyo:marketing", "klaviyo:full"]
LEVELS: tuple[Level, ...] = get_args(Level)
"""From the lowest to the highest; each allows all that the ones before it do."""
LOWEST: Level = LEVELS[0]
OFFLINE = "offline_access"
"""Understood and never granted by name: refresh tokens are issued anyway."""


class Levels:
    """What each level allows, computed from the actions once."""

    def __init__(self, registry: Registry, left_out: Collection[str] = ()) -> None:
        """`registry` holds all actions. Klaviyo is not asked for the scopes that are `left_out`.

        Raises ValueError for one of them that no action needs, or that is always asked for.
        """
        self._registry = registry
        self._left_out = frozenset(left_out)
        if always := sorted(self._left_out & ALWAYS):
            raise ValueError(f"{always[0]} cannot be left out: it says whose account it is.")
        for scope in sorted(self._left_out):
            if scope not in self._scopes[LEVELS[-1]]:
                near = nearest(scope, sorted(self._scopes[LEVELS[-1]]))
                raise ValueError(f"there is no scope {scope!r}{f'; did you mean {near[0]!r}?' if near else '.'}")

    def scopes(self, level: Level) -> tuple[str, ...]:
        """The scopes to ask Klaviyo for, sorted."""
        return tuple(sorted(self._scopes[level] - self._left_out))

    def actions(self, level: Level) -> int:
        """How many actions may be called at this level, with all scopes that are asked for."""
        return sum(
            rank(needed) <= rank(level) and not self._left_out & self._scopes_of(self._registry[name])
            for name, needed in self._needed.items()
        )

    def needed(self, action: str) -> Level | None:
        """The lowest level that allows an action, given by name or alias; None for one that does not exist."""
        found = self._registry.get(action)
        return self._needed[found.name] if found else None

    def granted(self, scopes: Iterable[str]) -> Level:
        """The highest level that Klaviyo's scopes have a part of which no lower one has; the lowest one without any.

        A scope that is missing, as one that was asked for first after an update, takes nothing else away: whoever calls
        an action that needs it is told so.
        """
        given, found = frozenset(scopes), LOWEST
        for before, level in pairwise(LEVELS):
            if given & (self._scopes[level] - self._scopes[before]):
                found = level
        return found

    @cached_property
    def _scopes(self) -> dict[Level, frozenset[str]]:
        actions = self._registry.actions
        every = [(action, self._scopes_of(action)) for action in actions]
        read = ALWAYS.union(*(scopes for action, scopes in every if action.strongest_effect == "read"))
        marketing = read.union(*(scopes for action, scopes in every if action.spec.toolset in MARKETING))
        return dict(zip(LEVELS, (read, marketing, marketing.union(*(scopes for _, scopes in every))), strict=True))

    @cached_property
    def _needed(self) -> dict[str, Level]:
        return {action.name: self._lowest(action) for action in self._registry.actions}

    def _lowest(self, action: Action) -> Level:
        # Some actions change things and need no scope: those of the public endpoints.
        enough = LEVELS if action.strongest_effect == "read" else LEVELS[1:]
        scopes = self._scopes_of(action)
        return next(level for level in enough if scopes <= self._scopes[level])

    def _scopes_of(self, action: Action) -> frozenset[str]:
        return frozenset(scope for part in self._registry.closure(action) for scope in part.spec.scopes)


def rank(level: Level) -> int:
    """How high a level is, from 0."""
    return LEVELS.index(level)


def up_to(level: Level) -> tuple[Level, ...]:
    """The level and those below it: what a token of this level may be said to have."""
    return LEVELS[: rank(level) + 1]


def highest(scopes: Iterable[str]) -> Level:
    """The highest level among the scopes of a token; the lowest one where it has none."""
    return asked(" ".join(scopes)) or LOWEST


def asked(scope: str) -> Level | None:
    """The highest level among the scopes a client asks for; scopes that are unknown here say nothing."""
    words = scope.split()
    found: list[Level] = [level for level in LEVELS if level in words]
    return found[-1] if found else None
