"""AutoGen's tools of an MCP server, each with a model of its arguments, in the workbench that its agents use."""

from contextlib import asynccontextmanager

from autogen_core.tools import StaticWorkbench
from autogen_ext.tools.mcp import StdioServerParams, StreamableHttpServerParams, mcp_server_tools
from driving import drive


@asynccontextmanager
async def toolbox(server):
    if server.transport == "stdio":
        # It gives up after five seconds, in which a busy machine starts no server.
        parameters = StdioServerParams(command=server.program, args=server.words, read_timeout_seconds=60)
    else:
        parameters = StreamableHttpServerParams(url=server.url)
    tools = await mcp_server_tools(parameters)
    workbench = StaticWorkbench(tools)

    async def call(name, arguments):
        # It opens a connection of its own for each call.
        return (await workbench.call_tool(name, arguments)).to_text()

    yield [tool.name for tool in tools], call


drive(toolbox)
