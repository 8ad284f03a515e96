"""How each MCP client is told of this service: a link that adds it, a command, or lines for a file."""

import base64
import json
from dataclasses import dataclass
from urllib.parse import quote, urlencode

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
    return [*_assistants(url, name), *_programs(url, name)]


def _assistants(url: str, name: str) -> list[Snippet]:
    return [
        Snippet(
            "Claude",
            (
                "Add it by the button, or under Customize, Connectors, Add custom connector, with the address above.",
                "This holds for claude.ai, Claude Desktop and the mobile apps alike.",
            ),
            link="https://claude.ai/customize/connectors?"
            + urlencode({"modal": "add-custom-connector", "connectorName": name.capitalize(), "connectorUrl": url}),
        ),
        Snippet(
            "ChatGPT",
            (
                "Settings, Security and login: turn on Developer mode.",
                "Add an app with the address above, and choose OAuth.",
            ),
        ),
    ]


def _programs(url: str, name: str) -> list[Snippet]:
    plain = {"url": url}
    typed = {"type": "http", "url": url}
    return [
        Snippet(
            "Claude Code",
            (
                "Then type /mcp in Claude Code and choose the server to log in.",
                "With --scope user behind the word add it is there in all your projects.",
            ),
            command=f"claude mcp add --transport http {name} {url}",
        ),
        Snippet(
            "Cursor",
            link="https://cursor.com/en/install-mcp?"
            + urlencode({"name": name, "config": base64.b64encode(_compact(plain).encode()).decode()}, quote_via=quote),
            file="~/.cursor/mcp.json",
            lines=_indented({"mcpServers": {name: plain}}),
        ),
        Snippet(
            "VS Code",
            link="https://insiders.vscode.dev/redirect/mcp/install?"
            + urlencode({"name": name, "config": _compact(typed)}, quote_via=quote),
            command=f"code --add-mcp '{_compact({'name': name, **typed})}'",
            file=".vscode/mcp.json",
            lines=_indented({"servers": {name: typed}}),
        ),
        Snippet(
            "Codex",
            command=f"codex mcp add {name} --url {url}\ncodex mcp login {name}",
            file="~/.codex/config.toml",
            lines=f'[mcp_servers.{name}]\nurl = "{url}"',
        ),
        Snippet(
            "Gemini CLI",
            command=f"gemini mcp add --transport http {name} {url}",
            file="~/.gemini/settings.json",
            lines=_indented({"mcpServers": {name: {"httpUrl": url}}}),
        ),
        Snippet(
            "Antigravity",
            file="~/.gemini/config/mcp_config.json",
            lines=_indented({"mcpServers": {name: {"serverUrl": url}}}),
        ),
        Snippet("Windsurf", file="mcp_config.json", lines=_indented({"mcpServers": {name: {"serverUrl": url}}})),
        Snippet(
            "Another client",
            ("Choose the transport Streamable HTTP, give it the address above, and let it log in (OAuth).",),
        ),
    ]


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _indented(value: object) -> str:
    return json.dumps(value, indent=2)
