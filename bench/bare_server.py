"""The thing we compare with: the smallest server the SDK allows, whose one tool makes one HTTP request to the sandbox.

It checks nothing, paces nothing and shapes nothing: the floor under any server built on this SDK and this HTTP client.
"""

import json
import os
import sys
from typing import Any

import anyio
import httpx2
import mcp.types as t
from mcp.server import NotificationOptions, Server, ServerRequestContext

SCHEMA = {"type": "object", "properties": {"page_size": {"type": "integer"}}}
HTTP = httpx2.AsyncClient(
    base_url=os.environ["KLAVIYO_BASE_URL"],
    headers={
        "Authorization": f"Klaviyo-API-Key {os.environ['KLAVIYO_API_KEY']}",
        "revision": "2026-07-15",
        "Accept": "application/vnd.api+json",
    },
)


async def list_tools(
    _context: ServerRequestContext[Any], _params: t.PaginatedRequestParams | None
) -> t.ListToolsResult:
    return t.ListToolsResult(tools=[t.Tool(name="get_events", description="Events.", input_schema=SCHEMA)])


async def call_tool(_context: ServerRequestContext[Any], params: t.CallToolRequestParams) -> t.CallToolResult:
    response = await HTTP.get("/api/events", params={"page[size]": (params.arguments or {})["page_size"]})
    data = response.json()
    return t.CallToolResult(content=[t.TextContent(text=json.dumps(data))], structured_content=data)


server = Server(
    "bare",
    version="0",
    on_list_tools=list_tools,
    on_call_tool=call_tool,
    get_tool_input_schema=lambda name: SCHEMA if name == "get_events" else None,
)


async def stdio() -> None:
    from mcp.server.stdio import stdio_server

    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options(NotificationOptions()))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        import uvicorn

        app = server.streamable_http_app(json_response=True, stateless_http=True)
        uvicorn.run(app, port=int(sys.argv[1]), log_level="warning", access_log=False)
    else:
        anyio.run(stdio)
