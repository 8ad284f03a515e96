// The MCP TypeScript SDK 2.x.
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { drive, text } from "./driving.mjs";

await drive(async ({ transport, command, url }) => {
  const [program, ...args] = command;
  const client = new Client({ name: "trip", version: "1" });
  await client.connect(
    transport === "stdio"
      ? new StdioClientTransport({ command: program, args })
      : new StreamableHTTPClientTransport(new URL(url)),
  );
  return {
    names: (await client.listTools()).tools.map((tool) => tool.name),
    call: async (name, given) => text(await client.callTool({ name, arguments: given })),
    close: () => client.close(),
  };
});
