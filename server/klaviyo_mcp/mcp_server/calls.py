"""Calls of tools: of an action, of one of the server's own tools, or again with a person's answer."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import anyio
import mcp.types as types
from mcp.server import ServerRequestContext
from mcp.shared.exceptions import MCPError

from klaviyo_mcp.accounts.account import Accounts
from klaviyo_mcp.actions.confirmation import Declined
from klaviyo_mcp.actions.engine import Call, Engine
from klaviyo_mcp.actions.errors import InvalidArguments
from klaviyo_mcp.actions.services import Sentence
from klaviyo_mcp.answers.budget import BUDGET, asked_for
from klaviyo_mcp.answers.guiding import guide_asked_for
from klaviyo_mcp.answers.kept_answers import KeptAnswers, NothingKept
from klaviyo_mcp.klaviyo.requests import Announce
from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.mcp_server.account_argument import split_account
from klaviyo_mcp.mcp_server.elicitation import KEY, agreed, asking
from klaviyo_mcp.mcp_server.own_arguments import checked
from klaviyo_mcp.mcp_server.server_tools import own_names
from klaviyo_mcp.registry.model import Effect
from klaviyo_mcp.registry.tool_names import CONFIRM, DESCRIBE, FIND, PREVIEW, READ_MORE, RUN_TOOLS
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
from klaviyo_mcp.runtime.discovering import describe_action, find_actions
from klaviyo_mcp.runtime.reading_on import read_more
from klaviyo_mcp.runtime.side_by_side import side_by_side

ONLY: dict[str, Effect] = {tool: effect for effect, tool in RUN_TOOLS.items()}
FOUND = 8
"""How many actions a search shows when nothing is said."""


@dataclass(frozen=True, slots=True)
class Room:
    """How much of an answer is shown, in bytes, unless a client asks otherwise; and where all of one is kept."""

    budget: int = BUDGET
    kept: KeptAnswers | None = None


AS_USUAL = Room()


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One request to call a tool, and whose account it is for."""

    engine: Engine
    accounts: Accounts
    context: ServerRequestContext[Any]
    account: str | None
    audit: Audit | None = None
    room: Room = AS_USUAL

    async def run(self, name: str, arguments: object, share: int = 1, *, tool: str | None = None) -> Response:
        """An action, by the name a client gave it; with `tool`, only one that this tool is for.

        It is one of `share` calls that have the room of an answer together.
        """
        return await answer_call(
            self.engine,
            self.accounts,
            Call(name, arguments),
            self.account,
            budget=self.budget // share,
            kept=self.room.kept,
            listed=True,
            meta=self._meta,
            announce=_progress_of(self.context),
            ask=asking(self.context),
            only=ONLY[tool] if tool else None,
            audit=self.audit,
        )

    async def preview(self, name: str, arguments: object) -> Response:
        """What an action would do."""
        call = Call(name, arguments)
        return await preview_call(
            self.engine, self.accounts, call, self.account, listed=True, meta=self._meta, audit=self.audit
        )

    async def confirm(self, confirmation: Confirmation) -> Response:
        """What a token stands for."""
        announce = _progress_of(self.context)
        return await confirm_call(
            self.engine,
            self.accounts,
            confirmation,
            self.account,
            budget=self.budget,
            kept=self.room.kept,
            listed=True,
            meta=self._meta,
            announce=announce,
            audit=self.audit,
        )

    async def read_more(self, given: JSON) -> Response:
        """Of an answer that is kept."""
        if self.room.kept is None:
            return refused(self.engine, READ_MORE, NothingKept(), listed=True)
        return await read_more(self.engine, self.accounts, self.room.kept, given, self.account, self.budget)

    @property
    def budget(self) -> int:
        """Bytes of JSON that the answer may have."""
        return asked_for(self.room.budget, self._meta)

    @property
    def _meta(self) -> Mapping[str, Any]:
        return self.context.meta or {}


async def answered(
    engine: Engine,
    accounts: Accounts,
    context: ServerRequestContext[Any],
    params: types.CallToolRequestParams,
    audit: Audit | None = None,
    room: Room = AS_USUAL,
) -> Response:
    """What a call of a tool is answered with. Raises nothing but cancellation."""
    account, arguments = split_account(params.arguments) if accounts.can_be_named else (None, params.arguments)
    call = ToolCall(engine, accounts, context, account, audit, room)
    if engine.registry.get(params.name) is None and (tool := own_names(engine.registry.names).find(params.name)):
        try:
            return await _own(call, tool, checked(tool, arguments or {}), params)
        except InvalidArguments as error:
            return refused(engine, tool, error, listed=True)
    if params.request_state is not None:
        return await _after_question(call, params, params.name, arguments)
    return await call.run(params.name, arguments)


async def _own(call: ToolCall, tool: str, given: JSON, params: types.CallToolRequestParams) -> Response:
    action, arguments = given.get("action", ""), given.get("arguments")
    if tool == FIND:
        return find_actions(call.engine, given["query"], given.get("limit", FOUND))
    if tool == DESCRIBE:
        if guide := guide_asked_for(action, call.engine.registry):
            return Response(guide, guide.summary)
        return describe_action(call.engine, action)
    if tool == READ_MORE:
        return await call.read_more(given)
    if tool == PREVIEW:
        return await call.preview(action, arguments)
    if tool == CONFIRM:
        return await call.confirm(Confirmation(given["token"], given.get("action"), arguments))
    if params.request_state is not None:
        return await _after_question(call, params, action, arguments)
    if calls := given.get("calls"):
        runs = [(one["action"], one.get("arguments")) for one in calls]
        return await side_by_side([lambda run=run: call.run(*run, len(runs), tool=tool) for run in runs])
    return await call.run(action, arguments, tool=tool)


async def _after_question(
    call: ToolCall, params: types.CallToolRequestParams, action: str, arguments: JSON | None
) -> Response:
    """The same call again, with what a person answered."""
    confirmation = Confirmation(params.request_state or "", action, arguments, by="person")
    if not agreed((params.input_responses or {}).get(KEY)):
        no = Declined("The person who was asked did not agree.")
        return await turned_down(call.engine, Call(action, arguments), no, call.audit, confirmation, listed=True)
    return await call.confirm(confirmation)


def _progress_of(context: ServerRequestContext[Any]) -> Announce:
    """Tells a client that gave a progressToken of waits. Over HTTP the answer is one JSON text, and nothing is told."""

    async def announce(waited: float, in_all: float, reason: str) -> None:
        # A client that has gone learns nothing, and the call goes on.
        with suppress(anyio.ClosedResourceError, anyio.BrokenResourceError, MCPError):
            told = str(reason) if isinstance(reason, Sentence) else f"Waiting for Klaviyo's rate limit: {reason}."
            await context.session.report_progress(round(waited, 1), round(in_all, 1), told)

    return announce
