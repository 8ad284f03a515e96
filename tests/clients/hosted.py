"""Programs that send a person to the hosted service's consent page and wait, and the person, who consents each time."""

import json
import os
import pty
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
from environments import Unbuildable, node_binary, variables
from travelling import APP, Client, NotListening, free_port, hosted_server
from trip import short

from klaviyo_mcp.runtime.sandbox import sandbox_with_app

sys.path.append(str(Path(__file__).parents[2]))
from tests.hosted.driving import Browser

LOGIN_SECONDS = 120
INSPECTOR = Path("node_modules", "@modelcontextprotocol", "inspector", "clients", "launcher", "build", "index.js")
CALLBACK = "http://127.0.0.1:6276/oauth/callback"
"""Where the Inspector waits for a code when it is not told otherwise."""
ERAS = ("legacy", "modern")
"""As the Inspector calls them."""
KNOWN = "inspector"
WAYS = {"registers itself": (), "known to the operator": ("--client-id", KNOWN)}
"""How the service knows it, with its words for it.

Without any the Inspector answers a 403 by a refresh, which cannot give more, and stops; so it is not led there.
"""
LIST = ("--method", "tools/list")
CALL = {"action": "create_list", "arguments": {"name": "Made after a second consent"}}
WRITE = ("--method", "tools/call", "--tool-name", "run_write_action", "--tool-args-json", json.dumps(CALL))


class NotAnswered(Exception):
    """The Inspector has printed no result; the text says why."""


@dataclass
class Said:
    """What a program has written, and whether it ended well."""

    out: str
    err: str
    ended: str = ""


@dataclass
class LogIn:
    """What the Inspector did in one era, in a process for each step, and at how many consents."""

    way: str
    era: str
    tools: list[str] = field(default_factory=list)
    """Those that it listed after its log-in."""
    kept: list[str] = field(default_factory=list)
    """Those that it listed by what it had kept of it."""
    wrote: bool | None = None
    """Whether it got what it needed for a write, which was more than it had; None where it would not ask for it."""
    consents: int = 0
    problem: str = ""

    def complete(self, tools: list[str]) -> bool:
        """Whether all went well, with a consent for the log-in and one for more access."""
        consents = 1 if self.wrote is None else 2
        return not self.problem and self.consents == consents and self.wrote is not False and self.listed(tools)

    def listed(self, tools: list[str]) -> bool:
        """Whether it has listed all of them, both times."""
        return self.tools == self.kept == tools

    def said(self, tools: list[str]) -> str:
        """What it did, and what is wrong with it, in a line."""
        wrote = {None: "no write tried", True: "a write", False: "no write"}[self.wrote]
        told = f"{len(self.tools)} of {len(tools)} tools, {len(self.kept)} by what is kept, {wrote}"
        return ": ".join(filter(None, (f"{told}, {self.consents} consents", self.problem)))


class Person:
    """Whoever sits before the machine: goes to each consent page that a program of this service's names, once."""

    def __init__(self, issuer: str, level: str = "klaviyo:read") -> None:
        self.issuer, self.level = issuer, level
        self.seen: list[str] = []

    def looks(self, text: str) -> None:
        """Consent at the pages that are named here and are new, and go back to the program, as a browser does."""
        for url in re.findall(rf"({re.escape(self.issuer)}/authorize\?\S+)\s", text):
            if url not in self.seen:
                self.seen.append(url)
                browser = Browser(self.issuer)
                browser.http.get(browser.sent_back(dict(parse_qsl(urlsplit(url).query)), self.level))


@contextmanager
def hosted_with_klaviyo(**more: str) -> Iterator[str]:
    """A hosted service with a sandbox as its Klaviyo: its issuer. Raises NotListening."""
    port = free_port()
    with (
        sandbox_with_app(APP, APP, f"http://127.0.0.1:{port}/oauth/klaviyo/callback") as klaviyo,
        hosted_server(port, KLAVIYO_BASE_URL=klaviyo, KLAVIYO_OAUTH_BASE_URL=klaviyo, **more) as issuer,
    ):
        yield issuer


def watched(words: list[str], settings: dict[str, str], person: Person, seconds: float = LOGIN_SECONDS) -> Said:
    """Run a program before a person, who says yes if it asks whether to go on.

    Its standard input is a terminal, as some would not ask anyone otherwise.
    """
    ours, theirs = pty.openpty()
    os.write(ours, b"y\n")
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process = subprocess.Popen(words, stdin=theirs, stdout=out, stderr=err, env=settings, start_new_session=True)
        until, ended = time.monotonic() + seconds, ""
        try:
            while process.poll() is None and not ended:
                person.looks(written(out) + written(err))
                if time.monotonic() > until:
                    ended = f"ended after {seconds:.0f} s"
                time.sleep(0.1)
        except (AssertionError, httpx2.HTTPError) as error:
            ended = f"the consent failed: {type(error).__name__}: {short(str(error))}"
        finally:
            process.kill()
            status = process.wait()
            os.close(ours)
            os.close(theirs)
        if not ended and status:
            ended = f"ended with status {status}: {short(written(err)[-300:])}"
        return Said(written(out), written(err), ended)


def written(file: IO[str]) -> str:
    """What there is in a file so far, read without moving the position that its writer shares."""
    return os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0).decode("utf-8", "replace")


def log_ins(client: Client) -> list[LogIn]:
    """Take the Inspector through its log-in in each way and era."""
    found = [LogIn(way, era) for way in WAYS for era in ERAS]
    known = {"client_id": KNOWN, "client_name": "MCP Inspector", "redirect_uris": [CALLBACK]}
    try:
        program = client.build() / INSPECTOR
        with hosted_with_klaviyo(KLAVIYO_MCP_CLIENTS=json.dumps([known])) as issuer:
            for one in found:
                inspect(program, issuer, one)
    except (Unbuildable, NotListening) as error:
        for one in found:
            one.problem = f"{type(error).__name__}: {error}"
    return found


def inspect(program: Path, issuer: str, found: LogIn) -> None:
    """Log in with the Inspector, use what it has kept, and do what needs more access."""
    person = Person(issuer)
    words = [str(node_binary()), str(program), "--cli", f"{issuer}/mcp", "--transport", "http"]
    words += ["--protocol-era", found.era, *WAYS[found.way]]
    with tempfile.TemporaryDirectory(prefix="klaviyo-mcp-inspector-") as home:
        settings = {name: value for name, value in variables().items() if not name.startswith("MCP_")} | {
            "HOME": home,
            # It opens no browser of whoever runs this, and leaves the keychain alone.
            "MCP_AUTO_OPEN_ENABLED": "false",
            "MCP_INSPECTOR_SECRET_STORE": "file",
        }
        try:
            found.tools = names(answered([*words, *LIST], settings, person))
            found.kept = names(answered([*words, *LIST, "--stored-auth-only"], settings, person))
            if WAYS[found.way]:
                found.wrote, person.level = False, "klaviyo:marketing"
                found.wrote = not answered([*words, *WRITE], settings, person).get("isError", False)
        except NotAnswered as error:
            found.problem = str(error)
    found.consents = len(person.seen)
    callbacks = {dict(parse_qsl(urlsplit(url).query)).get("redirect_uri") for url in person.seen}
    if not found.problem and callbacks != {CALLBACK}:
        found.problem = f"it waits at {', '.join(map(str, callbacks))} and not at {CALLBACK}"


def answered(words: list[str], settings: dict[str, str], person: Person) -> dict[str, Any]:
    """The result that the Inspector prints. Raises NotAnswered."""
    said = watched(words, settings, person)
    try:
        result = json.loads(said.out)
    except ValueError:
        raise NotAnswered(said.ended or f"no result: {short(said.out[:200])}") from None
    if said.ended:
        raise NotAnswered(said.ended)
    return result


def names(listed: dict[str, Any]) -> list[str]:
    """Those of the tools that are listed."""
    return sorted(tool["name"] for tool in listed["tools"])
