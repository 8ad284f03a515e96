"""smolagents: its tools, called as the code calls them that its code agents write."""

from contextlib import asynccontextmanager

from driving import drive
from mcp import StdioServerParameters
from smolagents import MCPClient


@asynccontextmanager
async def toolbox(server):
    if server.transport == "stdio":
        parameters = StdioServerParameters(command=server.program, args=server.words)
    else:
        parameters = {"url": server.url, "transport": "streamable-http"}
    with MCPClient(parameters, structured_output=False) as listed:
        tools = {tool.name: tool for tool in listed}

        def call(name, arguments):
            return tools[name](**arguments)

        yield tools, call


drive(toolbox)
