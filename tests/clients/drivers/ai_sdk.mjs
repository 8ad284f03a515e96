// The AI SDK: the tools that it makes of a server's, executed as it does when a model has called one.
import { createMCPClient } from "@ai-sdk/mcp";
import { Experimental_StdioMCPTransport } from "@ai-sdk/mcp/mcp-stdio";
import { drive, text } from "./driving.mjs";

await drive(async ({ transport, command, url }) => {
  const [program, ...args] = command;
  const client = await createMCPClient({
    transport:
      transport === "stdio" ? new Experimental_StdioMCPTransport({ command: program, args }) : { type: "http", url },
  });
  const tools = await client.tools();
  return {
    names: Object.keys(tools),
    call: async (name, given) => text(await tools[name].execute(given, { toolCallId: "1", messages: [] })),
    close: () => client.close(),
  };
});
