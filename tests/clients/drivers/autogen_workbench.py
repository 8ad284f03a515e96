"""AutoGen's workbench, through which its agents list and call the tools of an MCP server."""

from contextlib import asynccontextmanager

from autogen_ext.tools.mcp import McpWorkbench, StdioServerParams, StreamableHttpServerParams
from driving import drive


@asynccontextmanager
async def toolbox(server):
    if server.transport == "stdio":
        # It gives up after five seconds, in which a busy machine starts no server.
        parameters = StdioServerParams(command=server.program, args=server.words, read_timeout_seconds=60)
    else:
        parameters = StreamableHttpServerParams(url=server.url)
    async with McpWorkbench(parameters) as workbench:
        names = [tool["name"] for tool in await workbench.list_tools()]

        async def call(name, arguments):
            return (await workbench.call_tool(name, arguments)).to_text()

        yield names, call


drive(toolbox)
