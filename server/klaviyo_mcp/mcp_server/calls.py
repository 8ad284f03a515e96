"""Calls of tools: of an action, of one of the server's own tools, or again with a person's answer."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, TypedDict

import anyio
import mcp.types as types
from mcp.server import ServerRequestContext
from mcp.shared.exceptions import MCPError

from klaviyo_mcp.accounts.account import Accounts
from klaviyo_mcp.actions.confirmation import Declined
from klaviyo_mcp.actions.engine import Call, Engine
from klaviyo_mcp.actions.errors import InvalidArguments
from klaviyo_mcp.klaviyo.requests import Announce
from klaviyo_mcp.mcp_server.account_argument import split_account
from klaviyo_mcp.mcp_server.elicitation import KEY, agreed, asking
from klaviyo_mcp.mcp_server.server_tools import PREVIEW, own_call, own_names
from klaviyo_mcp.runtime.answering import (
    Confirmation,
    Response,
    answer_call,
    confirm_call,
    preview_call,
    refused,
    turned_down,
)
from klaviyo_mcp.runtime.audit import Audit


class _Told(TypedDict):
    """What every call is told of how it came."""

    listed: bool
    meta: Mapping[str, Any]
    audit: Audit | None


async def answered(
    engine: Engine,
    accounts: Accounts,
    context: ServerRequestContext[Any],
    params: types.CallToolRequestParams,
    audit: Audit | None = None,
) -> Response:
    """What a call of a tool is answered with. Raises nothing but cancellation."""
    account, arguments = split_account(params.arguments) if accounts.can_be_named else (None, params.arguments)
    told: _Told = {"listed": True, "meta": context.meta or {}, "audit": audit}
    announce = _progress_of(context)
    confirmation: Confirmation | None = None
    if engine.registry.get(params.name) is None and (tool := own_names(engine.registry.names).find(params.name)):
        try:
            asked = own_call(tool, arguments or {})
        except InvalidArguments as error:
            return refused(engine, tool, error, listed=True)
        if asked.tool == PREVIEW:
            return await preview_call(engine, accounts, Call(asked.action or "", asked.arguments), account, **told)
        confirmation = Confirmation(asked.token, asked.action, asked.arguments)
    elif params.request_state is not None:
        confirmation = Confirmation(params.request_state, params.name, arguments, by="person")
        if not agreed((params.input_responses or {}).get(KEY)):
            no = Declined("The person who was asked did not agree.")
            return await turned_down(engine, Call(params.name, arguments), no, audit, confirmation, listed=True)
    if confirmation is not None:
        return await confirm_call(engine, accounts, confirmation, account, announce=announce, **told)
    call, ask = Call(params.name, arguments), asking(context)
    return await answer_call(engine, accounts, call, account, announce=announce, ask=ask, **told)


def _progress_of(context: ServerRequestContext[Any]) -> Announce:
    """Tells a client that gave a progressToken of waits. Over HTTP the answer is one JSON text, and nothing is told."""

    async def announce(waited: float, in_all: float, reason: str) -> None:
        # A client that has gone learns nothing, and the call goes on.
        with suppress(anyio.ClosedResourceError, anyio.BrokenResourceError, MCPError):
            told = f"Waiting for Klaviyo's rate limit: {reason}."
            await context.session.report_progress(round(waited, 1), round(in_all, 1), told)

    return announce
