"""The line editor of the shell: its history, and what TAB offers, with ids that are read from the account."""

import re
import shlex
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import suppress
from time import monotonic
from typing import Any, Protocol

import anyio
from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition
from prompt_toolkit.history import FileHistory, History, InMemoryHistory

from klaviyo_mcp.answers.dotted import names_in
from klaviyo_mcp.cli.completing import Offer, fitting, of_setting
from klaviyo_mcp.cli.completing_words import words_of
from klaviyo_mcp.cli.completion_index import index_of
from klaviyo_mcp.cli.lately import PERSONAL, home_of
from klaviyo_mcp.cli.shell_lines import FLAGS, FORMS, LISTS, VALUED, is_unfinished
from klaviyo_mcp.klaviyo.errors import KlaviyoError
from klaviyo_mcp.loose_json import text
from klaviyo_mcp.registry.registry import Action
from klaviyo_mcp.runtime.assembly import Application

SECRET = re.compile(r"pk_\w|secret|password|passwd|token|api.?key|bearer|authorization", re.IGNORECASE)
"""A line with any of it is not kept: it may hold what opens an account."""
LONGEST_READ = 1.5
"""Seconds that TAB may wait for Klaviyo."""
KEPT_FOR = 60.0
MOST_READ = 100
OWN = (("help", "all about an action"), ("find", "actions by words"), ("set", "settings"), ("_", "the last answer"))
SETTINGS = ("output", "fields", "account", "read_only")


class Session(Protocol):
    """What the editor needs to know of a shell."""

    @property
    def application(self) -> Application:
        """What calls are made with."""
        ...

    @property
    def account(self) -> str | None:
        """Whom they are for."""
        ...

    def rows_of_last(self) -> list[Any]:
        """What the last answer lists."""
        ...


class PrivateHistory(FileHistory):
    """A file that its owner alone can read, without lines that may hold a secret."""

    def store_string(self, string: str) -> None:
        """Keep a line for the next time."""
        if not SECRET.search(string):
            with suppress(OSError):
                super().store_string(string)


def editor(session: Session) -> Callable[[str], Awaitable[str]]:
    """What asks for a line, with a prompt. Raises EOFError and KeyboardInterrupt."""
    asking: PromptSession[str] = PromptSession(
        history=_history(session),
        completer=_Words(session),
        complete_while_typing=False,
        multiline=Condition(lambda: is_unfinished(get_app().current_buffer.text)),
    )
    return asking.prompt_async


def answers() -> Callable[[str], Awaitable[str]]:
    """What asks for an answer, which no history keeps. Raises EOFError and KeyboardInterrupt."""
    asking: PromptSession[str] = PromptSession(history=InMemoryHistory())
    return asking.prompt_async


def _history(session: Session) -> History:
    folder = home_of(session.application.settings.klaviyo_mcp_home)
    file = folder / "shell_history"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        file.touch(mode=0o600)
        file.chmod(0o600)
    except OSError:
        return InMemoryHistory()
    return PrivateHistory(str(file))


class _Words(Completer):
    """Actions, their arguments, values and ids, and the shell's own words."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._read: dict[tuple[str | None, str], tuple[float, list[Offer]]] = {}

    def get_completions(
        self,
        document: Document,  # noqa: ARG002 - as its class has it, like the events below
        complete_event: CompleteEvent,  # noqa: ARG002
    ) -> Iterable[Completion]:
        """Never asked: what may have to be read is offered by the other."""
        return ()

    async def get_completions_async(
        self,
        document: Document,
        complete_event: CompleteEvent,  # noqa: ARG002
    ) -> AsyncGenerator[Completion, None]:
        """What fits in place of the word before the cursor."""
        before = document.text_before_cursor
        words, _, at = words_of(before)
        begun = words[-1]
        with suppress(KlaviyoError, OSError, KeyError):
            for word, told in fitting(begun, [one async for one in self._offers(words, begun)]):
                yield Completion(_quoted(word), start_position=at - len(before), display=word, display_meta=told)

    async def _offers(self, words: list[str], begun: str) -> AsyncGenerator[Offer, None]:
        registry = self._session.application.engine.registry
        earlier = words[:-1]
        named = [(action.name, action.spec.told_summary) for action in registry.actions]
        if not earlier:
            for one in [*OWN, *named]:
                yield one
        elif earlier[0] in ("help", "?"):
            for one in named:
                yield one
        elif earlier[0] == "set":
            for one in await self._settings(earlier):
                yield one, ""
        elif earlier[0] == "_":
            for one in self._of_last(earlier):
                yield one, ""
        elif earlier[-1] in ("--output", "-o"):
            for form in FORMS:
                yield form, ""
        elif earlier[-1] == "--fields" and (found := registry.get(earlier[0])):
            listed, comma, _ = begun.rpartition(",")
            for field in index_of(found.spec)["fields"]:
                yield f"{listed}{comma}{field}", ""
        elif action := registry.get(earlier[0]):
            async for one in self._of_action(action, begun):
                yield one

    async def _of_action(self, action: Action, begun: str) -> AsyncGenerator[Offer, None]:
        index = index_of(action.spec)
        if begun.startswith("-"):
            for flag in (*FLAGS, *VALUED):
                yield flag, ""
            return
        account = self._session.account or ""
        for one in of_setting(index, begun, account):
            yield one
        name, equals, given = begun.partition("=")
        if equals and name in index["arguments"]:
            for kind in index["arguments"][name]["ids"]:
                for value, told in await self._ids(kind):
                    yield f"{name}={value}", told
                    if told and given and "name:".startswith(given[:5]):
                        yield f"{name}=name:{told}", value

    async def _settings(self, earlier: list[str]) -> list[str]:
        if len(earlier) == 1:
            return list(SETTINGS)
        choices: dict[str, Any] = {"output": FORMS, "read_only": ("on", "off")}
        if earlier[1] == "account":
            return list(await self._session.application.accounts.names())
        return list(choices.get(earlier[1], ()))

    def _of_last(self, earlier: list[str]) -> list[str]:
        names = names_in(self._session.rows_of_last())
        if earlier[-1].lstrip("-") in LISTS:
            return names
        return [*(f"{name}=" for name in names), *(f"--{one}" for one in (*LISTS, "limit", "count", "output"))]

    async def _ids(self, kind: str) -> list[Offer]:
        """Ids of a kind with their names, read at most once a minute, and never waited for."""
        key = self._session.account, kind
        kept = self._read.get(key)
        if kept is not None and monotonic() - kept[0] < KEPT_FOR:
            return kept[1]
        found: list[Offer] = []
        application = self._session.application
        listing = _listing(application.engine.registry.actions, kind)
        if listing is not None and kind not in PERSONAL:
            with anyio.move_on_after(LONGEST_READ):
                account = await application.accounts.find(self._session.account)
                most = {"max_records": MOST_READ} if "max_records" in listing.spec.properties else {}
                rows = await application.engine.glance(account, listing.name, most)
                found = [(str(row["id"]), text(row.get("name"))) for row in rows if "id" in row]
        self._read[key] = monotonic(), found
        return found


def _quoted(word: str) -> str:
    """A word as the shell reads it."""
    name, equals, value = word.partition("=")
    return f"{name}={shlex.quote(value)}" if equals and value else word


def _listing(actions: list[Action], kind: str) -> Action | None:
    """The plainest read that lists records of a kind without being told anything."""
    fitting_ones = [
        action
        for action in actions
        if action.spec.result.type == kind
        and action.spec.result.kind == "collection"
        and action.effect == "read"
        and not action.spec.required
        and not action.spec.is_scarce
    ]
    return min(fitting_ones, key=lambda action: len(action.name), default=None)
