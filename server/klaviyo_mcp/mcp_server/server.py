"""The MCP server: actions as tools, calls through the engine. One server for stdio and HTTP and for both eras."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import mcp.types as types
from mcp.server import CacheHint, Server, ServerRequestContext

from klaviyo_mcp import __version__
from klaviyo_mcp.accounts.account import Accounts
from klaviyo_mcp.actions.engine import Engine
from klaviyo_mcp.mcp_server import hello
from klaviyo_mcp.mcp_server.answer_resources import ANSWER_TEMPLATES, answer_asked_for, read_answer
from klaviyo_mcp.mcp_server.calls import caller_of
from klaviyo_mcp.mcp_server.completion import Completions
from klaviyo_mcp.mcp_server.elicitation import question_in_answer
from klaviyo_mcp.mcp_server.job_resources import JOB_TEMPLATES, read_report, report_asked_for
from klaviyo_mcp.mcp_server.leaving import logged_if_left
from klaviyo_mcp.mcp_server.prompts import Prompts
from klaviyo_mcp.mcp_server.report_views import Views, with_views
from klaviyo_mcp.mcp_server.resources import TEMPLATES, Resources
from klaviyo_mcp.mcp_server.tools import Listing
from klaviyo_mcp.registry.app_page import CAPABILITY
from klaviyo_mcp.runtime.answering import Response
from klaviyo_mcp.runtime.audit import Audit
from klaviyo_mcp.runtime.job_worker import JobWorker
from klaviyo_mcp.tools.calls import AS_USUAL, Room, answered

CALL_ID = "klaviyo-mcp/call_id"
"""The key, in `_meta` of a result, of the id that the call is found by in logs and traces."""

_Context = ServerRequestContext[Any]
AccountsOfRequest = Callable[[_Context], Accounts]
"""Says whose accounts a request is about. A server for one person always has the same ones, whoever asks."""
AfterCall = Callable[[ServerRequestContext[Any], Response], Awaitable[Response]]
"""What is made of the answer to a call before it is sent."""


def make_server(
    engine: Engine,
    accounts_of: AccountsOfRequest,
    listing: Listing,
    audit: Audit | None = None,
    room: Room = AS_USUAL,
    after: AfterCall | None = None,
    worker: JobWorker | None = None,
) -> Server[Any]:
    """An MCP server that shows what `listing` has, and asks for each request whose accounts it is about.

    Calls are written down where there is an `audit`; `room` is what an answer has of it, and `after` has the last word.
    `worker` has the jobs whose reports are resources.
    """
    on = _Handlers(engine, accounts_of, listing, audit, room, after, worker)
    # Private: another one who asks may have other accounts.
    hint = CacheHint(ttl_ms=hello.LISTING_TTL_MS, scope="private")
    server: Server[Any] = Server(
        hello.NAME,
        title=hello.TITLE,
        version=__version__,
        instructions=hello.INSTRUCTIONS,
        on_list_tools=on.list_tools,
        on_call_tool=on.call_tool,
        on_list_resources=on.list_resources,
        on_list_resource_templates=on.list_templates,
        on_read_resource=on.read_resource,
        on_list_prompts=on.list_prompts,
        on_get_prompt=on.get_prompt,
        on_completion=on.complete,
        cache_hints={
            "tools/list": hint,
            "resources/list": hint,
            "resources/templates/list": hint,
            "prompts/list": hint,
        },
        # Without this hook the SDK lists all tools again for every call over HTTP.
        get_tool_input_schema=listing.schema,
    )
    # Those are the SDK's own spans, which repeat whatever a client sends as the name of a tool; ours, made in
    # `runtime.watching`, do not.
    server.middleware.clear()
    server.extensions.update(CAPABILITY)
    return server


class _Handlers:
    """What answers each method of the protocol."""

    def __init__(
        self,
        engine: Engine,
        accounts_of: AccountsOfRequest,
        listing: Listing,
        audit: Audit | None,
        room: Room,
        after: AfterCall | None,
        worker: JobWorker | None,
    ) -> None:
        self._worker = worker
        self._room, self._after = room, after
        self._engine, self._accounts_of, self._listing, self._audit = engine, accounts_of, listing, audit
        self._resources = Resources(engine, listing.exposure)
        self._prompts = Prompts(engine.registry, listing.exposure)
        self._completions = Completions(engine, listing.exposure, self._prompts)

    async def list_tools(
        self, context: _Context, _params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return await self._listing.now(self._accounts_of(context))

    async def call_tool(
        self, context: _Context, params: types.CallToolRequestParams
    ) -> types.CallToolResult | types.InputRequiredResult:
        own = replace(self._audit, client=_client(context)) if self._audit else None
        accounts, caller = self._accounts_of(context), caller_of(context, params)
        answering = answered(self._engine, accounts, params.name, params.arguments, caller, own, self._room)
        response = await logged_if_left(context, answering, own)
        if self._after is not None:
            response = await self._after(context, response)
        action = self._engine.registry.get(response.action)
        report = action is not None and action.spec.result.report
        response, views = await with_views(context, params.name, response, is_report=report)
        return question_in_answer(context, response) or _result(response, views)

    async def list_resources(
        self, _context: _Context, _params: types.PaginatedRequestParams | None
    ) -> types.ListResourcesResult:
        return types.ListResourcesResult(resources=self._resources.listed)

    async def list_templates(
        self, _context: _Context, _params: types.PaginatedRequestParams | None
    ) -> types.ListResourceTemplatesResult:
        kept = ANSWER_TEMPLATES if self._room.kept else []
        jobs = JOB_TEMPLATES if self._worker else []
        return types.ListResourceTemplatesResult(resource_templates=[*TEMPLATES, *kept, *jobs])

    async def read_resource(
        self, context: _Context, params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        accounts, version = self._accounts_of(context), context.protocol_version
        if self._room.kept and (asked := answer_asked_for(str(params.uri))):
            return await read_answer(asked, accounts, self._room.kept, version)
        if self._worker and (wanted := report_asked_for(str(params.uri))):
            return await read_report(wanted, accounts, self._worker, version)
        return await self._resources.read(str(params.uri), accounts, version)

    async def list_prompts(
        self, context: _Context, _params: types.PaginatedRequestParams | None
    ) -> types.ListPromptsResult:
        return types.ListPromptsResult(prompts=await self._prompts.listed(self._accounts_of(context)))

    async def get_prompt(self, context: _Context, params: types.GetPromptRequestParams) -> types.GetPromptResult:
        return await self._prompts.get(params.name, params.arguments or {}, self._accounts_of(context))

    async def complete(self, context: _Context, params: types.CompleteRequestParams) -> types.CompleteResult:
        return types.CompleteResult(completion=await self._completions.complete(params, self._accounts_of(context)))


def _client(context: _Context) -> str:
    """Name and version of a client, as it says itself."""
    told = context.session.client_params
    return f"{told.client_info.name} {told.client_info.version}" if told else ""


def _result(response: Response, views: Views) -> types.CallToolResult:
    return types.CallToolResult(
        content=[types.TextContent(text=response.text), *views.content],
        structured_content=response.answer.data,
        is_error=response.is_error,
        _meta={CALL_ID: response.call_id, **response.meta, **views.meta},
    )
