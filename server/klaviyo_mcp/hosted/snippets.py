"""How each MCP client is told of this service, from the table of clients: a link, a command, or lines for a file."""

import base64
import json
from dataclasses import dataclass
from urllib.parse import quote

from klaviyo_mcp.installing.clients import Client, Hosted, clients
from klaviyo_mcp.installing.entries import Server, file_with

NAME = "klaviyo"


@dataclass(frozen=True, slots=True)
class Snippet:
    """A client, and how it takes a server. `steps` are sentences; the others are empty where there is none.

    `link` adds the server at a click, `command` is for a terminal, `file` and `lines` are a file and what to put in it.
    """

    client: str
    steps: tuple[str, ...] = ()
    link: str = ""
    command: str = ""
    file: str = ""
    lines: str = ""


def snippets(url: str, name: str = NAME) -> list[Snippet]:
    """For a server at `url`, in the order in which clients are common."""
    server = Server(name, url=url)
    return [_snippet(client, client.hosted, server) for client in clients() if client.hosted is not None]


def _snippet(client: Client, told: Hosted, server: Server) -> Snippet:
    entry = server.entry(client) or {}
    words = {
        "name": server.name,
        "Name": server.name.capitalize(),
        "url": server.url,
        "json": _compact(entry),
        "named_json": _compact({"name": server.name, **entry}),
        "base64": base64.b64encode(_compact(entry).encode()).decode(),
    }
    link, command = told.link, told.command
    for word, value in words.items():
        link = link.replace(f"{{{word}}}", quote(value, safe=""))
        command = command.replace(f"{{{word}}}", value)
    lines = file_with(client, server) if told.file else ""
    return Snippet(told.title or client.name, told.steps, link, command, told.file, lines)


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
