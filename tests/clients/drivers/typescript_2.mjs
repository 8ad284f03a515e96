// The MCP TypeScript SDK 2.x.
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { driveSdk } from "./driving.mjs";

await driveSdk(Client, StdioClientTransport, StreamableHTTPClientTransport);
