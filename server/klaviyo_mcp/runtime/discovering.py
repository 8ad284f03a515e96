"""Answers about the actions of a server: which do what is asked for, and all about one. No account is looked at."""

from klaviyo_mcp.actions.engine import Engine
from klaviyo_mcp.actions.errors import ActionError
from klaviyo_mcp.actions.finding import Found, look_for
from klaviyo_mcp.answers.discovery import described, found, found_text
from klaviyo_mcp.answers.naming import as_listed
from klaviyo_mcp.answers.sending import sendable
from klaviyo_mcp.answers.text import answer_text
from klaviyo_mcp.runtime.answering import Response, refused


def find_actions(engine: Engine, query: str, most: int) -> Response:
    """The actions that a question is about, of those that can be called."""
    return _told(engine, query, look_for(engine.registry, query, most, engine.lets_through))


def actions_for(engine: Engine, query: str, most: int) -> tuple[Found, str]:
    """The same for a program, and as text."""
    result = look_for(engine.registry, query, most, engine.lets_through)
    return result, _told(engine, query, result).text


def _told(engine: Engine, query: str, result: Found) -> Response:
    answer = sendable(as_listed(found(engine.registry, query, result), engine.registry))
    return Response(answer, found_text(answer))


def describe_action(engine: Engine, name: str) -> Response:
    """All about one action."""
    try:
        answer = described(engine.find(name), engine.registry)
    except ActionError as error:
        return refused(engine, name, error, listed=True)
    answer = sendable(as_listed(answer, engine.registry))
    return Response(answer, answer_text(answer))
