"""Clients that leave before their answer: what became of a write is logged, as there is nobody left to tell."""

import logging
from collections.abc import Awaitable
from typing import Any

from mcp.server import ServerRequestContext

from klaviyo_mcp.klaviyo.words import one_line
from klaviyo_mcp.loose_json import mapping
from klaviyo_mcp.registry.registry import Action
from klaviyo_mcp.runtime.answering import Response

log = logging.getLogger("klaviyo_mcp")


async def logged_if_left(
    context: ServerRequestContext[Any], action: Action | None, response: Awaitable[Response]
) -> Response:
    """The response to a call; one line of the log for a write whose client does not get it.

    A call that is given up because its client left is told by `watching`, like every other that is cancelled.
    """
    made = await response
    if action is not None and action.effect != "read" and _has_left(context):
        error = mapping(made.answer.data.get("error"))
        became = one_line(str(error.get("outcome"))) if made.is_error else "It was carried out."
        log.warning("the client of %s left before its answer. %s", action.name, became)
    return made


def _has_left(context: ServerRequestContext[Any]) -> bool:
    """Whether the connection of a request is gone, as `BoundedProtocol` notes; over stdio none ever is."""
    scope: Any = getattr(context.request, "scope", None)
    return bool(mapping(mapping(scope).get("state")).get("left"))
