"""Tools as one list of them has been given out: what is in it, and calls of them, which reach nothing beyond."""

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Literal

from klaviyo_mcp.actions.errors import InvalidArguments, Problem, one_line
from klaviyo_mcp.loose_json import JSON, is_object
from klaviyo_mcp.runtime.answering import Ask, Response, refused
from klaviyo_mcp.runtime.assembly import Application
from klaviyo_mcp.runtime.exposure import LISTED, Exposure
from klaviyo_mcp.runtime.named import NamesNothing, actions_named
from klaviyo_mcp.toolkit.errors import ConfigurationError
from klaviyo_mcp.tools.calls import Caller, answered, room_of
from klaviyo_mcp.tools.listing import ToolList

Expose = Literal["search", "core", "all"] | Iterable[str]
"""Which actions are tools: everyday ones, what marketers use, all; or actions, toolsets and globs by name."""


class _Listed(ToolList[list[JSON]]):
    def make(self, tools: list[JSON]) -> list[JSON]:
        return tools


@dataclass(frozen=True, slots=True)
class Box:
    """The tools of one exposure, in the form of MCP."""

    application: Application
    listed: list[JSON]
    ask: Ask | None = None

    async def run(self, name: str, arguments: object) -> Response:
        """What a call of one of them is answered with. Raises nothing but cancellation.

        Arguments are an object, or its JSON as models write it.
        """
        made, given = self.application, arguments
        if isinstance(arguments, str):
            with suppress(ValueError, RecursionError):
                given = json.loads(arguments or "{}")
        if given is not None and not is_object(given):
            problem = Problem("", "its arguments are not a JSON object", 'Give them as {"name": value}.')
            error = InvalidArguments(f"{one_line(name)} was not called: its arguments cannot be read.", (problem,))
            return refused(made.engine, name, error, listed=True)
        return await answered(made.engine, made.accounts, name, given, Caller(ask=self.ask), made.audit, room_of(made))


def box_of(
    made: Application, expose: str | tuple[str, ...], names: Sequence[str], default: str | None, ask: Ask | None
) -> Box:
    """The box of an exposure within that of the application, for accounts of these names. Raises ConfigurationError."""
    exposure = _exposed(made, expose)
    engine = made.engine if exposure.actions == made.exposure.actions else made.engine.narrowed(exposure.reaches)
    inner = replace(made, exposure=exposure, engine=engine)
    return Box(inner, _Listed(engine.registry, exposure, made.settings.answer_bytes).of(names, default), ask)


def _exposed(made: Application, expose: str | tuple[str, ...]) -> Exposure:
    whole, registry = made.exposure, made.engine.registry
    if expose == "all":
        return replace(whole, listed=None, characters=None)
    if isinstance(expose, str):
        with suppress(KeyError):
            listed, characters = LISTED[expose]
            return replace(whole, listed=listed, characters=characters)
        raise ConfigurationError(f"expose is {expose!r}; give 'search', 'core', 'all', or a list of names of actions.")
    of_toolsets = {action.name for action in registry.actions if action.spec.toolset in expose}
    try:
        found = of_toolsets | actions_named([name for name in expose if name not in registry.toolsets], registry)
    except NamesNothing as error:
        raise ConfigurationError(f"expose: {error}") from None
    allowed = frozenset(found) if whole.actions is None else whole.actions & found
    exposure = replace(whole, listed=None, characters=None, actions=allowed)
    if not any(exposure.shows(action) for action in registry.actions):
        raise ConfigurationError("expose leaves no action of those that are allowed here.")
    return exposure
