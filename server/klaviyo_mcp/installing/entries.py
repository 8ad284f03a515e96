"""What a client's file holds for this server: how it is made, and whether one that stands there is ours."""

import json
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath
from typing import Any, Protocol
from urllib.parse import urlsplit

from klaviyo_mcp.installing.clients import Client
from klaviyo_mcp.installing.errors import NotInstalled
from klaviyo_mcp.installing.json_text import JSONText
from klaviyo_mcp.klaviyo.words import one_line
from klaviyo_mcp.loose_json import JSON, items, mapping

KEY = "KLAVIYO_API_KEY"
OURS = re.compile(r"klaviyo-mcp(\.exe)?|klaviyo-mcp(\[[\w,]*\])?([=@<>~!:]=?.*)?|klaviyo_mcp", re.IGNORECASE)
ENVIRONMENTS = ("env", "environment")
URLS = ("url", "httpUrl", "serverUrl")


class Text(Protocol):
    """A file's text that can be changed in one place."""

    @property
    def text(self) -> str:
        """As it stands now."""
        ...

    def get(self, *place: str) -> Any:
        """What stands at a place; None where nothing does."""
        ...

    def set(self, place: tuple[str, ...], value: Any) -> None:
        """Write a value at a place. Raises Unreadable."""
        ...

    def remove(self, place: tuple[str, ...]) -> None:
        """Take what stands at a place out."""
        ...


@dataclass(frozen=True, slots=True)
class Server:
    """This server as a client shall know it: by the words that start it, or by a URL."""

    name: str
    words: Sequence[str] = ()
    env: dict[str, str] = field(default_factory=dict[str, str])
    url: str = ""

    def entry(self, client: Client) -> JSON | None:
        """What stands for it in the client's file; None where it is told by hand."""
        form = client.http if self.url else client.stdio
        return None if form is None else self._filled(form)

    def steps(self, client: Client) -> list[str]:
        """What a person does, for a client that has no file for it."""
        steps = client.http_steps if self.url else client.stdio_steps
        form = {"command": "$command", "args": "$args", "env": "$env"}
        shown = json.dumps({"mcpServers": {self.name: self._filled(form)}}, indent=2) if not self.url else ""
        return [self._told(step).replace("{json}", shown) for step in steps]

    def shell(self, client: Client) -> str:
        """The client's own command for the same, empty where it has none."""
        if self.url or not client.shell:
            return ""
        compact = json.dumps({"name": self.name, **(self.entry(client) or {})}, separators=(",", ":"))
        return self._told(client.shell).replace("{words}", shlex.join(self.words)).replace("{json}", compact)

    def after(self, client: Client) -> str:
        """What makes the client see it."""
        return self._told(client.after_http if self.url and client.after_http else client.after)

    def _told(self, text: str) -> str:
        return text.replace("{name}", self.name).replace("{Name}", self.name.capitalize()).replace("{url}", self.url)

    def _filled(self, form: JSON) -> JSON:
        values = {
            "$command": self.words[0] if self.words else "",
            "$args": list(self.words[1:]),
            "$words": list(self.words),
            "$env": self.env,
            "$url": self.url,
        }
        made = {key: values.get(value, value) if isinstance(value, str) else value for key, value in form.items()}
        return {key: value for key, value in made.items() if value != {}}


def is_ours(entry: Any, url: str = "") -> bool:
    """Whether an entry starts this program, or leads to `url`; that of another program may have the same name."""
    known = mapping(entry)
    if url and any(known.get(key) == url for key in URLS):
        return True
    words = [known.get("command"), *items(known.get("command")), *items(known.get("args"))]
    return any(isinstance(word, str) and OURS.fullmatch(_last(word)) for word in words)


def put(text: Text, client: Client, server: Server, *, replace: bool) -> None:
    """Write the server into the text. What a person added to its entry stays, as do other variables.

    Raises NotInstalled where the name belongs to another server and `replace` is not set, Unreadable otherwise.
    """
    place = (*client.place, server.name)
    wanted = server.entry(client) or {}
    stands = text.get(*place)
    if stands is not None and not is_ours(stands, server.url):
        if not replace:
            raise NotInstalled(
                f"{client.name} already has a server named {server.name!r}, which {_not_ours(stands)}. Nothing was "
                "written.\nNext: Choose another name with --name, or replace that server with --replace."
            )
        text.remove(place)
        stands = None
    if not isinstance(stands, dict):
        text.set(place, wanted)
        return
    for key in _keys(client) - set(wanted):
        if key in stands and (server.url or key not in ENVIRONMENTS):
            text.remove((*place, key))
    for key, value in wanted.items():
        if key in ENVIRONMENTS:
            for name, setting in value.items():
                text.set((*place, key, name), setting)
        elif key != "enabled" or key not in stands:
            text.set((*place, key), value)


def take_out(text: Text, client: Client, name: str, *, replace: bool, url: str = "") -> bool:
    """Remove the server. False where there is none.

    Raises NotInstalled where it starts another program, or leads to another address than `url`.
    """
    place = (*client.place, name)
    stands = text.get(*place)
    if stands is None:
        return False
    if not replace and not is_ours(stands, url):
        mine = "If it is yours, give its address with --url. " if address_of(stands) else ""
        raise NotInstalled(
            f"The server named {name!r} in {client.name} {_not_ours(stands)}. Nothing was removed.\n"
            f"Next: {mine}Choose another with --name; --replace removes this one all the same."
        )
    text.remove(place)
    return True


def text_of(client: Client, text: str) -> Text:
    """The text of a client's file, in its form. Raises Unreadable."""
    if client.form == "toml":
        from klaviyo_mcp.installing.toml_text import TOMLText  # for the one client that has TOML

        return TOMLText(text)
    return JSONText(text, comments=client.form == "jsonc")


def file_with(client: Client, server: Server) -> str:
    """What a client's file has that holds this server and nothing else."""
    text = text_of(client, "")
    text.set((*client.place, server.name), server.entry(client))
    return text.text.strip()


def holds_key(text: Text, client: Client, name: str) -> bool:
    """Whether an API key stands in the entry."""
    return any(text.get(*client.place, name, kind, KEY) is not None for kind in ENVIRONMENTS)


def address_of(entry: Any) -> str:
    """Where an entry leads, without what may be secret in it; empty for one that starts a program."""
    known = mapping(entry)
    url = next((known[key] for key in URLS if isinstance(known.get(key), str)), "")
    try:
        parts = urlsplit(url)
        return one_line(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}", 120) if url else ""
    except ValueError:
        return "an address that is none"


def _not_ours(entry: Any) -> str:
    address = address_of(entry)
    return f"leads to {address}" if address else "does not start this program"


def _keys(client: Client) -> set[str]:
    return {*(client.stdio or {}), *(client.http or {})} - {"tools"}


def _last(word: str) -> str:
    return PureWindowsPath(word).name if "\\" in word else Path(word).name
