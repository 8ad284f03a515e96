"""Clients that leave before their answer: what became of a write is logged, as there is nobody left to tell."""

import logging
from collections.abc import Awaitable
from typing import Any

from mcp.server import ServerRequestContext

from klaviyo_mcp.klaviyo.words import one_line
from klaviyo_mcp.loose_json import mapping
from klaviyo_mcp.runtime.answering import Response
from klaviyo_mcp.runtime.audit import Audit

log = logging.getLogger("klaviyo_mcp")


async def logged_if_left(
    context: ServerRequestContext[Any], response: Awaitable[Response], audit: Audit | None = None
) -> Response:
    """The response to a call; one line of the log, and of the audit, for a write whose client does not get it.

    A call that is given up because its client left is told by `watching`, like every other that is cancelled.
    """
    made = await response
    if made.effect in ("write", "destructive") and _has_left(context):
        error = mapping(made.answer.data.get("error"))
        became = one_line(str(error.get("outcome"))) if made.is_error else "It was carried out."
        log.warning("the client of %s left before its answer. %s", made.action, became)
        if audit is not None:
            await audit.left(made.call_id, made.action)
    return made


def _has_left(context: ServerRequestContext[Any]) -> bool:
    """Whether the connection of a request is gone, as `BoundedProtocol` notes; over stdio none ever is."""
    scope: Any = getattr(context.request, "scope", None)
    return bool(mapping(mapping(scope).get("state")).get("left"))
