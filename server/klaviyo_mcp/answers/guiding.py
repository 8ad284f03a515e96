"""A guide as an answer, for clients that have no resources: they ask for it where an action is described."""

from klaviyo_mcp.actions.errors import InvalidArguments, Problem
from klaviyo_mcp.answers.shape import Answer
from klaviyo_mcp.klaviyo.words import one_line
from klaviyo_mcp.registry.guides import ASKED, Guide, guides, told
from klaviyo_mcp.registry.registry import Registry
from klaviyo_mcp.registry.tool_names import DESCRIBE, RUN_TOOLS


def guide_asked_for(name: str, registry: Registry) -> Answer | None:
    """The guide that stands in place of an action's name, its text as the summary; None where none is asked for.

    Raises InvalidArguments for one that does not exist.
    """
    if (asked := ASKED.fullmatch(name.strip())) is None:
        return None
    if (guide := guides().get(asked[1].casefold())) is None:
        there = ", ".join(guide.asked_as for guide in guides().values())
        problem = Problem("action", f"there is no guide {one_line(asked[1], 100)!r}", f"There are: {there}.")
        raise InvalidArguments(f"{DESCRIBE} was asked for a guide that does not exist.", (problem,))
    run_with = _run_with(guide, registry)
    lines = [f"Run with {tool}: {', '.join(names)}." for tool, names in run_with.items()]
    text = "\n".join([told(guide.text, registry.names), *lines])
    return Answer({"guide": guide.topic, "title": guide.title, "run_with": run_with, "text": text}, text)


def _run_with(guide: Guide, registry: Registry) -> dict[str, list[str]]:
    """The actions that a guide helps to call, as they are listed, by the tool that runs them."""
    found: dict[str, list[str]] = {}
    for name in guide.actions:
        if action := registry.get(name):
            found.setdefault(registry.names.listed(RUN_TOOLS[action.effect]), []).append(registry.names.listed(name))
    return found
