"""The table of MCP clients, `clients.yaml`: where each keeps its servers, and what it writes there for one."""

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, StringConstraints

System = Literal["macos", "windows", "linux"]
VARIABLE = re.compile(r"\{([A-Z_]+)\|([^}]*)\}")
STRICT = ConfigDict(extra="forbid", frozen=True)


class Hosted(BaseModel):
    """How the pages of the hosted service tell of a client; everything may be left out."""

    model_config = STRICT

    title: str = ""
    link: str = ""
    command: str = ""
    file: str = ""
    steps: tuple[str, ...] = ()


class Client(BaseModel):
    """One MCP client. The comment at the head of `clients.yaml` says what each field holds."""

    model_config = STRICT

    id: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z-]*$")]
    name: str
    aliases: tuple[str, ...] = ()
    form: Literal["json", "jsonc", "toml"] | None = None
    place: tuple[str, ...] = ()
    paths: dict[System | Literal["all"], tuple[str, ...]] = {}
    project: str | None = None
    stdio: dict[str, Any] | None = None
    http: dict[str, Any] | None = None
    stdio_steps: tuple[str, ...] = ()
    http_steps: tuple[str, ...] = ()
    shell: str = ""
    after: str = ""
    after_http: str = ""
    hosted: Hosted | None = None

    def paths_on(self, system: System) -> tuple[str, ...]:
        """The paths as the table has them, none for a client that is told of servers by hand."""
        return self.paths.get(system, self.paths.get("all", ()))


@cache
def clients() -> tuple[Client, ...]:
    """All of them, in the order of the table."""
    text = files("klaviyo_mcp.installing").joinpath("clients.yaml").read_text("utf-8")
    return tuple(Client.model_validate(row) for row in yaml.safe_load(text))


def client_named(name: str) -> Client | None:
    """The client with this id, alias or name, however it is written."""
    wanted = name.strip().lower().replace(" ", "-").replace("_", "-")
    names = ((client, {client.id, *client.aliases, client.name.lower().replace(" ", "-")}) for client in clients())
    return next((client for client, known in names if wanted in known), None)


@dataclass(frozen=True, slots=True)
class Machine:
    """What decides where files lie: the system, its environment, and the home folder."""

    system: System
    environ: Mapping[str, str]
    home: Path

    @staticmethod
    def here() -> "Machine":
        """The one that this runs on."""
        system: System = {"darwin": "macos", "win32": "windows"}.get(sys.platform, "linux")  # pyright: ignore[reportAssignmentType]
        return Machine(system, os.environ, Path.home())

    def file_of(self, client: Client) -> Path | None:
        """Where a client keeps its servers: the first that exists, else the first. None where it has no file."""
        found = [self._path(path) for path in client.paths_on(self.system)]
        return next((path for path in found if path.exists()), found[0] if found else None)

    def has(self, client: Client) -> bool:
        """Whether the client seems to be there: it has its file, or the folder of its own that this lies in."""
        path = self.file_of(client)
        return path is not None and (path.exists() or (path.parent != self.home and path.parent.is_dir()))

    def _path(self, text: str) -> Path:
        filled = VARIABLE.sub(lambda match: self.environ.get(match[1]) or match[2], text)
        return self.home / filled[2:] if filled.startswith("~/") else Path(filled)
