// The MCP TypeScript SDK 1.x.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
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
