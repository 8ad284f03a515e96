"""Agno: the functions of its MCP toolkit, executed as function calls."""

import shlex
from contextlib import asynccontextmanager

from agno.tools.function import FunctionCall
from agno.tools.mcp import MCPTools
from driving import drive


@asynccontextmanager
async def toolbox(server):
    if server.transport == "stdio":
        toolkit = MCPTools(shlex.join(server.command))
    else:
        toolkit = MCPTools(url=server.url, transport="streamable-http")
    async with toolkit:

        async def call(name, arguments):
            done = await FunctionCall(function=toolkit.functions[name], arguments=arguments).aexecute()
            if done.status != "success":
                raise RuntimeError(done.error)
            return done.result.content

        yield list(toolkit.functions), call


drive(toolbox)
