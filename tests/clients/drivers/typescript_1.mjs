// The MCP TypeScript SDK 1.x.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { driveSdk } from "./driving.mjs";

await driveSdk(Client, StdioClientTransport, StreamableHTTPClientTransport);
