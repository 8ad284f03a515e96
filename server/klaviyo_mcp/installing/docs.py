"""The part of docs/install.md that is made of the table of clients, between two marks."""

from klaviyo_mcp.installing.clients import Client, clients
from klaviyo_mcp.installing.entries import Server, file_with

BEGIN = "<!-- clients: written by `klaviyo-mcp docs` from server/klaviyo_mcp/installing/clients.yaml -->"
END = "<!-- clients: end -->"
BLANK = f"# Install\n\n{BEGIN}\n{END}\n"
"""Where there is no page yet."""
LOCAL = Server("klaviyo", ["uvx", "klaviyo-mcp", "serve"])
HOSTED = Server("klaviyo", url="https://mcp.example.org/mcp")
SYSTEMS = {"macos": "macOS", "windows": "Windows", "linux": "Linux"}


def with_clients(page: str) -> str:
    """The page with the part between the marks written anew. Raises ValueError where it has no marks."""
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError("docs/install.md has lost the marks of its part on clients")
    return f"{head}{BEGIN}\n\n{''.join(_section(client) for client in clients())}{END}{tail}"


def _section(client: Client) -> str:
    parts = [f"### {client.name}\n"]
    if client.form and client.stdio is not None:
        parts.append(f"```\nklaviyo-mcp install {client.id}\n```\n")
        if command := LOCAL.shell(client):
            parts.append(f"By its own command:\n\n```\n{command}\n```\n")
        parts.append(f"By hand, in {_places(client)}:\n")
        parts.append(_snippet(client, LOCAL))
    else:
        parts.append(_steps(client, LOCAL))
    if client.http is not None:
        parts.append(f"A hosted server (`klaviyo-mcp install {client.id} --url {HOSTED.url}`):\n")
        parts.append(_snippet(client, HOSTED))
    elif client.http_steps:
        parts.append(f"A hosted server at {HOSTED.url}:\n")
        parts.append(_steps(client, HOSTED))
    if client.after:
        parts.append(f"{LOCAL.after(client)}\n")
    return "\n".join(parts) + "\n"


def _places(client: Client) -> str:
    found = {system: client.paths_on(system)[0] for system in ("macos", "windows", "linux")}
    if len(set(found.values())) == 1:
        places = f"`{_plain(found['linux'])}`"
    else:
        places = ", ".join(f"`{_plain(path)}` ({SYSTEMS[system]})" for system, path in found.items())
    return places + (f", or `{client.project}` for one project (`--project`)" if client.project else "")


def _plain(path: str) -> str:
    """A path as people write it: `%APPDATA%`, or the folder that a variable usually names."""
    variable, _, rest = path.removeprefix("{").partition("}")
    if rest == "" or not path.startswith("{"):
        return path
    name, _, default = variable.partition("|")
    return (f"%{name}%" if name == "APPDATA" else default) + rest


def _snippet(client: Client, server: Server) -> str:
    return f"```{'toml' if client.form == 'toml' else 'json'}\n{file_with(client, server)}\n```\n"


def _steps(client: Client, server: Server) -> str:
    lines = [f"```json\n{step}\n```" if step.startswith("{") else f"- {step}" for step in server.steps(client)]
    return "\n".join(lines).replace("\n```json", "\n\n```json") + "\n"
