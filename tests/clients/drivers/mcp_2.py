"""The MCP SDK 2.x; the option is its mode: "legacy" for the handshake, or a date for the era without one."""

from contextlib import asynccontextmanager

from driving import drive
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp.types import PromptReference


@asynccontextmanager
async def toolbox(server):
    stdio = StdioServerParameters(command=server.program, args=server.words) if server.transport == "stdio" else None
    async with Client(stdio or server.url, mode=server.options[0]) as client:
        names = [tool.name for tool in (await client.list_tools()).tools]

        async def call(name, arguments):
            return (await client.call_tool(name, arguments)).content[0].text

        asks = {
            "resources/list": client.list_resources,
            "resources/templates/list": client.list_resource_templates,
            "resources/read": client.read_resource,
            "prompts/list": client.list_prompts,
            "prompts/get": client.get_prompt,
            "completion/complete": lambda ref, argument: client.complete(PromptReference(**ref), argument),
        }
        yield names, call, asks


drive(toolbox)
