"""The MCP server: actions as tools, calls through the engine. One server for stdio and HTTP and for both eras."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import mcp.types as types
from mcp.server import CacheHint, Server, ServerRequestContext

from klaviyo_mcp import __version__
from klaviyo_mcp.accounts.account import Accounts
from klaviyo_mcp.actions.engine import Engine
from klaviyo_mcp.mcp_server import hello
from klaviyo_mcp.mcp_server.answer_resources import ANSWER_TEMPLATES, answer_asked_for, read_answer
from klaviyo_mcp.mcp_server.calls import AS_USUAL, Room, answered
from klaviyo_mcp.mcp_server.elicitation import question_in_answer
from klaviyo_mcp.mcp_server.leaving import logged_if_left
from klaviyo_mcp.mcp_server.resources import SCHEMA_TEMPLATES, read_schema
from klaviyo_mcp.mcp_server.tools import Listing
from klaviyo_mcp.runtime.answering import Response
from klaviyo_mcp.runtime.assembly import Application
from klaviyo_mcp.runtime.audit import Audit

CALL_ID = "klaviyo-mcp/call_id"
"""The key, in `_meta` of a result, of the id that the call is found by in logs and traces."""

AccountsOfRequest = Callable[[ServerRequestContext[Any]], Accounts]
"""Says whose accounts a request is about. A server for one person always has the same ones, whoever asks."""


def room_of(application: Application) -> Room:
    """What the settings leave to one answer."""
    return Room(application.settings.answer_bytes, application.kept)


def make_server(
    engine: Engine, accounts_of: AccountsOfRequest, listing: Listing, audit: Audit | None = None, room: Room = AS_USUAL
) -> Server[Any]:
    """An MCP server that shows what `listing` has, and asks for each request whose accounts it is about.

    Calls are written down where there is an `audit`; `room` is what an answer has of it.
    """

    async def list_tools(
        context: ServerRequestContext[Any], _params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return await listing.now(accounts_of(context))

    async def call_tool(
        context: ServerRequestContext[Any], params: types.CallToolRequestParams
    ) -> types.CallToolResult | types.InputRequiredResult:
        own = replace(audit, client=_client(context)) if audit else None
        answering = answered(engine, accounts_of(context), context, params, own, room)
        response = await logged_if_left(context, answering, own)
        return question_in_answer(context, response) or _result(response)

    async def list_templates(
        _context: ServerRequestContext[Any], _params: types.PaginatedRequestParams | None
    ) -> types.ListResourceTemplatesResult:
        kept = ANSWER_TEMPLATES if room.kept else []
        return types.ListResourceTemplatesResult(resource_templates=[*SCHEMA_TEMPLATES, *kept])

    async def list_resources(
        _context: ServerRequestContext[Any], _params: types.PaginatedRequestParams | None
    ) -> types.ListResourcesResult:
        return types.ListResourcesResult(resources=[])

    async def read_resource(
        context: ServerRequestContext[Any], params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        if room.kept and (asked := answer_asked_for(str(params.uri))):
            return await read_answer(asked, accounts_of(context), room.kept, context.protocol_version)
        text = read_schema(str(params.uri), engine, context.protocol_version)
        content = types.TextResourceContents(uri=params.uri, mime_type="application/schema+json", text=text)
        return types.ReadResourceResult(contents=[content])

    server: Server[Any] = Server(
        hello.NAME,
        title=hello.TITLE,
        version=__version__,
        instructions=hello.INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_resources=list_resources,
        on_list_resource_templates=list_templates,
        on_read_resource=read_resource,
        # Private: another one who asks may have other accounts.
        cache_hints={"tools/list": CacheHint(ttl_ms=hello.LISTING_TTL_MS, scope="private")},
        # Without this hook the SDK lists all tools again for every call over HTTP.
        get_tool_input_schema=listing.schema,
    )
    # Those are the SDK's own spans, which repeat whatever a client sends as the name of a tool; ours, made in
    # `runtime.watching`, do not.
    server.middleware.clear()
    return server


def _client(context: ServerRequestContext[Any]) -> str:
    """Name and version of a client, as it says itself."""
    told = context.session.client_params
    return f"{told.client_info.name} {told.client_info.version}" if told else ""


def _result(response: Response) -> types.CallToolResult:
    return types.CallToolResult(
        content=[types.TextContent(text=response.text)],
        structured_content=response.answer.data,
        is_error=response.is_error,
        _meta={CALL_ID: response.call_id},
    )
