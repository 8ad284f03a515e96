// What all drivers in JavaScript share; driving.py tells the form of what comes in and goes out.

export async function drive(toolbox) {
  let input = "";
  for await (const piece of process.stdin.setEncoding("utf8")) input += piece;
  const { calls, ...server } = JSON.parse(input);
  const say = (line) => new Promise((written) => process.stdout.write(JSON.stringify(line) + "\n", written));
  console.log = console.error;
  try {
    const { names, call, ask = {}, close } = await toolbox(server);
    await say({ tools: [...names].sort() });
    const texts = [];
    for (const step of calls) {
      const said = await take(step, names, call, ask, texts).catch((error) => ({ error: String(error) }));
      texts.push(said.text ?? "");
      await say(said);
    }
    await close();
    await say({ done: true });
  } catch (error) {
    await say({ broken: String(error) });
  }
  process.exit(0);
}

// One step, and what is to be said of it.
async function take({ method, params, tool, arguments: given, found }, names, call, ask, texts) {
  if (method) return method in ask ? { text: JSON.stringify(await ask[method](params)) } : { cannot: method };
  if (!names.includes(tool)) return { absent: tool };
  const taken = Object.entries(found).map(([name, pattern]) => [name, inLast(pattern, texts)]);
  return { text: await call(tool, { ...given, ...Object.fromEntries(taken) }) };
}

// What the last answer in which there is something says.
function inLast(pattern, texts) {
  const text = texts.findLast((one) => one.match(pattern));
  if (text === undefined) throw new Error(`No answer so far holds ${pattern}.`);
  return text.match(pattern)[1];
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
      ask: {
        "resources/list": () => client.listResources(),
        "resources/templates/list": () => client.listResourceTemplates(),
        "resources/read": (params) => client.readResource(params),
        "prompts/list": () => client.listPrompts(),
        "prompts/get": (params) => client.getPrompt(params),
        "completion/complete": (params) => client.complete(params),
      },
      close: () => client.close(),
    };
  });
