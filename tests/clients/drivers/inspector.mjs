// The Inspector's command line: a process, and over stdio a server of its own, for each call.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { fileURLToPath } from "node:url";
import { drive, text } from "./driving.mjs";

const PROGRAM = fileURLToPath(
  new URL("node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js", import.meta.url),
);

await drive(async ({ transport, command, url }) => {
  const server = transport === "stdio" ? command : [url, "--transport", "http"];
  const inspect = async (...words) => {
    const run = promisify(execFile)(process.execPath, [PROGRAM, "--cli", ...server, ...words], { maxBuffer: 1e8 });
    // A tool's error ends it with status 1; the result is printed all the same.
    const { stdout } = await run.catch((failed) => (failed.stdout ? failed : Promise.reject(failed)));
    return JSON.parse(stdout);
  };
  return {
    names: (await inspect("--method", "tools/list")).tools.map((tool) => tool.name),
    call: async (name, given) => {
      const words = Object.entries(given).flatMap(([key, value]) => [
        "--tool-arg",
        `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`,
      ]);
      return text(await inspect("--method", "tools/call", "--tool-name", name, ...words));
    },
    close: async () => {},
  };
});
