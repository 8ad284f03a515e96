// What all drivers in JavaScript share; driving.py tells the form of what comes in and goes out.

export async function drive(toolbox) {
  let input = "";
  for await (const piece of process.stdin.setEncoding("utf8")) input += piece;
  const { calls, ...server } = JSON.parse(input);
  const say = (line) => new Promise((written) => process.stdout.write(JSON.stringify(line) + "\n", written));
  console.log = console.error;
  try {
    const { names, call, close } = await toolbox(server);
    await say({ tools: [...names].sort() });
    for (const { tool, arguments: given } of calls) {
      if (!names.includes(tool)) {
        await say({ absent: tool });
        continue;
      }
      try {
        await say({ text: await call(tool, given) });
      } catch (error) {
        await say({ error: String(error) });
      }
    }
    await close();
    await say({ done: true });
  } catch (error) {
    await say({ broken: String(error) });
  }
  process.exit(0);
}

// The text that a result of tools/call holds.
export const text = (result) => result.content.map((part) => part.text).join("\n");

// A trip with one of the MCP TypeScript SDKs, whose classes are named alike.
export const driveSdk = (Client, StdioClientTransport, StreamableHTTPClientTransport) =>
  drive(async ({ transport, command, url }) => {
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
