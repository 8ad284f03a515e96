"""AutoGen's tools of an MCP server, each with a model of its arguments, run as an agent runs them."""

from contextlib import asynccontextmanager

from autogen_core import CancellationToken
from autogen_ext.tools.mcp import StdioServerParams, StreamableHttpServerParams, mcp_server_tools
from driving import drive


@asynccontextmanager
async def toolbox(server):
    if server.transport == "stdio":
        parameters = StdioServerParams(command=server.program, args=server.words)
    else:
        parameters = StreamableHttpServerParams(url=server.url)
    tools = {tool.name: tool for tool in await mcp_server_tools(parameters)}

    async def call(name, arguments):
        # It opens a connection of its own for each call.
        result = await tools[name].run_json(arguments, CancellationToken())
        return tools[name].return_value_as_string(result)

    yield tools, call


drive(toolbox)
