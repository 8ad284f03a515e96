"""A guide as an answer, for clients that have no resources: they ask for it where an action is described."""

from klaviyo_mcp.actions.errors import InvalidArguments, Problem
from klaviyo_mcp.answers.shape import Answer
from klaviyo_mcp.klaviyo.words import one_line
from klaviyo_mcp.registry.guides import ASKED, Guide, guides, told
from klaviyo_mcp.registry.registry import Registry
from klaviyo_mcp.registry.tool_names import DESCRIBE, READ_MORE, RUN_TOOLS

OF_TOOLS = {READ_MORE: "answers"}
"""The guides of tools that are listed in too few words to be used at all they can do."""


def guide_asked_for(name: str, registry: Registry) -> Answer | None:
    """The guide that stands in place of an action's name, its text as the summary; None where none is asked for.

    A tool of the server's own that has a guide is described by it. Raises InvalidArguments for one that does not exist.
    """
    name = name.strip()
    topic = next((topic for tool, topic in OF_TOOLS.items() if name in (tool, registry.names.listed(tool))), None)
    if topic is None:
        if (asked := ASKED.fullmatch(name)) is None:
            return None
        topic = asked[1].casefold()
    if (guide := guides().get(topic)) is None:
        there = ", ".join(guide.asked_as for guide in guides().values())
        problem = Problem("action", f"there is no guide {one_line(topic, 100)!r}", f"There are: {there}.")
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
