"""The MCP server: actions as tools, calls through the engine. One server for stdio and HTTP and for both eras."""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import mcp.types as types
from mcp.server import CacheHint, Server, ServerRequestContext
from mcp.shared.exceptions import MCPError

from klaviyo_mcp import __version__
from klaviyo_mcp.accounts.account import Accounts
from klaviyo_mcp.actions.engine import Call, Engine
from klaviyo_mcp.actions.errors import UnknownAction
from klaviyo_mcp.answers.text import answer_text, error_text
from klaviyo_mcp.klaviyo.errors import KlaviyoError
from klaviyo_mcp.mcp_server.account_argument import split_account, with_account
from klaviyo_mcp.registry.registry import Action
from klaviyo_mcp.registry.tool_schema import listed_schema, schema_at
from klaviyo_mcp.runtime.answering import answer_call
from klaviyo_mcp.runtime.exposure import Exposure

INSTRUCTIONS = """\
Tools for Klaviyo (e-mail and SMS marketing). Each tool is one action. Where tools have an argument account, several
Klaviyo accounts are connected: say which one is meant, and never mix what you learn from one with another.
- Answers are flat records; a field that is missing is empty in Klaviyo. Dates are ISO 8601.
- filter takes a list of {field, operator, value}, all of which must hold, or Klaviyo's filter text.
- X_fields (profile_fields, list_fields, …) names the fields to return of X records, to keep answers short; all when
  absent. additional_X_fields adds fields that are left out otherwise. include adds related records.
- Collections return next_cursor when there is more: pass it as cursor, or ask for more at once with max_records.
- A schema that is cut short (keys without details, hidden values) is whole at klaviyo://actions/NAME/schema.
- "accepted" means that Klaviyo has taken the work, not that it is done; the answer names the tool that tells.
- Errors say which argument is wrong, whether anything was changed, and what to do next. Follow next_step.
- Being on a list is not consent to marketing: use bulk_subscribe_profiles to record consent.
- Before an action that removes something or reaches many people, say what it will do and ask the user.
"""


class Listing:
    """The tools as the accounts of the moment make them. One account, or none, needs nothing asked."""

    def __init__(self, engine: Engine, accounts: Accounts, exposure: Exposure) -> None:
        """Tools are made once for each set of accounts, in stable order."""
        self._accounts = accounts
        self._exposure = exposure
        self._actions = [action for action in engine.registry.actions if exposure.shows(action)]
        self._tools = {action.name: as_tool(action) for action in self._actions}
        self._made: dict[Any, types.ListToolsResult] = {}

    def schema(self, name: str) -> Mapping[str, Any] | None:
        """The input schema of a tool."""
        tool = self._tools.get(name)
        return tool.input_schema if tool else None

    async def now(self) -> types.ListToolsResult:
        """The list at this moment. A vault that cannot be read is told by the calls, not by an empty list."""
        try:
            names = await self._accounts.names() if self._accounts.can_be_named else []
            default = await self._accounts.default() if len(names) > 1 else None
            hidden = await self._hidden()
        except KlaviyoError:
            names, default, hidden = [], None, frozenset[str]()
        key = (tuple(names) if len(names) > 1 else (), default, hidden)
        if key not in self._made:
            tools = [tool for name, tool in self._tools.items() if name not in hidden]
            if len(names) > 1:
                tools = [
                    tool.model_copy(update={"input_schema": with_account(tool.input_schema, names, default)})
                    for tool in tools
                ]
            self._made = {key: types.ListToolsResult(tools=tools)}
        return self._made[key]

    async def _hidden(self) -> frozenset[str]:
        if not self._exposure.hide_unavailable:
            return frozenset()
        known = [(await self._accounts.find(name)).access for name in await self._accounts.names()]
        return frozenset(action.name for action in self._actions if not self._exposure.available(action, known))


def make_server(engine: Engine, accounts: Accounts, exposure: Exposure) -> Server[Any]:
    """An MCP server for these accounts, showing what `exposure` allows."""
    listing = Listing(engine, accounts, exposure)

    async def list_tools(
        _context: ServerRequestContext[Any], _params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return await listing.now()

    async def call_tool(
        _context: ServerRequestContext[Any], params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        name, arguments = split_account(params.arguments) if accounts.can_be_named else (None, params.arguments)
        response = await answer_call(engine, accounts, Call(params.name, arguments), name)
        text = error_text(response.answer) if response.is_error else answer_text(response.answer)
        return types.CallToolResult(
            content=[types.TextContent(text=text)],
            structured_content=response.answer.data,
            is_error=response.is_error,
        )

    async def list_templates(
        _context: ServerRequestContext[Any], _params: types.PaginatedRequestParams | None
    ) -> types.ListResourceTemplatesResult:
        return types.ListResourceTemplatesResult(resource_templates=SCHEMA_TEMPLATES)

    async def list_resources(
        _context: ServerRequestContext[Any], _params: types.PaginatedRequestParams | None
    ) -> types.ListResourcesResult:
        return types.ListResourcesResult(resources=[])

    async def read_resource(
        _context: ServerRequestContext[Any], params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        text = read_schema(str(params.uri), engine)
        content = types.TextResourceContents(uri=params.uri, mime_type="application/schema+json", text=text)
        return types.ReadResourceResult(contents=[content])

    return Server(
        "klaviyo-mcp",
        title="Klaviyo",
        version=__version__,
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_resources=list_resources,
        on_list_resource_templates=list_templates,
        on_read_resource=read_resource,
        cache_hints={"tools/list": CacheHint(ttl_ms=300_000, scope="public")},
        # Without this hook the SDK lists all tools again for every call over HTTP.
        get_tool_input_schema=listing.schema,
    )


SCHEMA_URI = re.compile(r"^klaviyo://actions/([^/]+)/schema(?:/([^/]+))?$")
SCHEMA_TEMPLATES = [
    types.ResourceTemplate(
        name="action-schema",
        title="Full schema of an action",
        uri_template="klaviyo://actions/{name}/schema",
        description="The whole input schema of an action whose listed schema is cut short.",
        mime_type="application/schema+json",
    ),
    types.ResourceTemplate(
        name="action-schema-part",
        title="Full schema of a part of an action",
        uri_template="klaviyo://actions/{name}/schema/{path}",
        description="One argument or deeper part, such as definition.actions of create_flow.",
        mime_type="application/schema+json",
    ),
]


def read_schema(uri: str, engine: Engine) -> str:
    """The text of a schema resource. Raises MCPError (resource not found) that says what there is."""
    match = SCHEMA_URI.match(uri)
    if match is None:
        raise MCPError(
            code=types.INVALID_PARAMS, message=f"There is no resource {uri}; there is klaviyo://actions/NAME/schema."
        )
    name, path = unquote(match[1]), unquote(match[2] or "")
    try:
        spec = engine.find(name).spec
        return json.dumps(schema_at(spec, path), ensure_ascii=False, indent=1)
    except UnknownAction as error:
        raise MCPError(code=types.INVALID_PARAMS, message=error.message) from None
    except KeyError:
        known = ", ".join(engine.find(name).spec.properties)
        raise MCPError(
            code=types.INVALID_PARAMS, message=f"{name} has no argument {path!r}. Arguments: {known}."
        ) from None


def as_tool(action: Action) -> types.Tool:
    """An action as MCP shows it. The hints come from the spec's effect; nothing guesses them from the HTTP method."""
    spec = action.spec
    return types.Tool(
        name=spec.name,
        title=spec.title,
        description=spec.description.strip(),
        input_schema=listed_schema(spec),
        annotations=types.ToolAnnotations(
            title=spec.title,
            read_only_hint=spec.effect == "read",
            destructive_hint=spec.effect == "destructive",
            # A read is idempotent by nature, and an open world is the protocol's default: neither is worth its bytes.
            idempotent_hint=None if spec.effect == "read" else spec.idempotent,
        ),
    )
