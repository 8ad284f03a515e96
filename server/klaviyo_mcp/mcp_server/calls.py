"""Calls of tools as they come over MCP: with what their client asked to be told, and a person's answer."""

from contextlib import suppress
from typing import Any

import anyio
import mcp.types as types
from mcp.server import ServerRequestContext
from mcp.shared.exceptions import MCPError

from klaviyo_mcp.actions.services import Sentence
from klaviyo_mcp.klaviyo.requests import Announce
from klaviyo_mcp.mcp_server.elicitation import KEY, agreed, asking
from klaviyo_mcp.tools.calls import Caller, Person


def caller_of(context: ServerRequestContext[Any], params: types.CallToolRequestParams) -> Caller:
    """Who calls, and the answer of the person whom their client has asked, where it did."""
    person = None
    if params.request_state is not None:
        person = Person(params.request_state, agreed((params.input_responses or {}).get(KEY)))
    return Caller(context.meta or {}, _progress_of(context), asking(context), person)


def _progress_of(context: ServerRequestContext[Any]) -> Announce:
    """Tells a client that gave a progressToken of waits. Over HTTP the answer is one JSON text, and nothing is told."""

    async def announce(waited: float, in_all: float, reason: str) -> None:
        # A client that has gone learns nothing, and the call goes on.
        with suppress(anyio.ClosedResourceError, anyio.BrokenResourceError, MCPError):
            told = str(reason) if isinstance(reason, Sentence) else f"Waiting for Klaviyo's rate limit: {reason}."
            await context.session.report_progress(round(waited, 1), round(in_all, 1), told)

    return announce
