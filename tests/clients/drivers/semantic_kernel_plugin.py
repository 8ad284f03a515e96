"""Semantic Kernel: an MCP plugin, whose functions a kernel invokes."""

from contextlib import asynccontextmanager

from driving import drive
from semantic_kernel import Kernel
from semantic_kernel.connectors.mcp import MCPStdioPlugin, MCPStreamableHttpPlugin
from semantic_kernel.functions import KernelArguments


@asynccontextmanager
async def toolbox(server):
    if server.transport == "stdio":
        plugin = MCPStdioPlugin(name="klaviyo", command=server.program, args=server.words)
    else:
        plugin = MCPStreamableHttpPlugin(name="klaviyo", url=server.url)
    async with plugin:
        kernel = Kernel()
        # Prompts are functions too, unless it is told to leave them.
        prompts = {prompt.name for prompt in (await plugin.session.list_prompts()).prompts}
        loaded = kernel.add_plugin(plugin).functions
        functions = {name: function for name, function in loaded.items() if name not in prompts}

        async def call(name, arguments):
            result = await kernel.invoke(functions[name], KernelArguments(**arguments))
            return "\n".join(str(part) for part in result.value)

        yield functions, call


drive(toolbox)
