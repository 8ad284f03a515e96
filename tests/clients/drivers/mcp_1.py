"""The MCP SDK 1.x: a session over either transport."""

from contextlib import asynccontextmanager

from driving import drive
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import PromptReference
from pydantic import AnyUrl


@asynccontextmanager
async def toolbox(server):
    if server.transport == "stdio":
        streams = stdio_client(StdioServerParameters(command=server.program, args=server.words))
    else:
        streams = streamable_http_client(server.url)
    async with streams as (read, write, *_), ClientSession(read, write) as session:
        await session.initialize()
        names = [tool.name for tool in (await session.list_tools()).tools]

        async def call(name, arguments):
            return (await session.call_tool(name, arguments)).content[0].text

        asks = {
            "resources/list": session.list_resources,
            "resources/templates/list": session.list_resource_templates,
            "resources/read": lambda uri: session.read_resource(AnyUrl(uri)),
            "prompts/list": session.list_prompts,
            "prompts/get": session.get_prompt,
            "completion/complete": lambda ref, argument: session.complete(PromptReference(**ref), argument),
        }
        yield names, call, asks


drive(toolbox)
