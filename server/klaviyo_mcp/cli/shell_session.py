"""The shell: reads lines until there are no more, runs them, and keeps the last answer for questions to it."""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import anyio
from anyio.to_thread import run_sync

from klaviyo_mcp.actions.engine import Call
from klaviyo_mcp.actions.errors import UnknownAction
from klaviyo_mcp.actions.finding import look_for
from klaviyo_mcp.actions.names import find_action
from klaviyo_mcp.actions.paging import MOST_KEPT
from klaviyo_mcp.answers.held import question
from klaviyo_mcp.answers.kept_answers import KeptAnswer
from klaviyo_mcp.answers.reading_more import read_on
from klaviyo_mcp.answers.shape import Answer
from klaviyo_mcp.cli.action_page import list_of, page_of
from klaviyo_mcp.cli.asking import SHALL_IT, LeftOff, agreed_beforehand, is_terminal, somebody_is_there, with_missing
from klaviyo_mcp.cli.calling import (
    FAILED,
    INTERRUPTED,
    MISUSED,
    NoPages,
    Typed,
    complaint,
    exit_code,
    made,
    noted,
    prepared,
    shown,
)
from klaviyo_mcp.cli.output import warn
from klaviyo_mcp.cli.printing import Form, console_for, fields_of, rows_of
from klaviyo_mcp.cli.setting import Settings, WrongSetting
from klaviyo_mcp.cli.shell_input import lines_of_stdin
from klaviyo_mcp.cli.shell_lines import FORMS, Line, WrongLine, is_unfinished, read_call, read_question
from klaviyo_mcp.klaviyo.errors import KlaviyoError
from klaviyo_mcp.klaviyo.words import one_line, visible
from klaviyo_mcp.runtime.answering import Known, Response, responded
from klaviyo_mcp.runtime.assembly import Application
from klaviyo_mcp.runtime.job_worker import JobWorker

HELP = """\
ACTION NAME=VALUE …       run an action; again for lists, location.city=… for parts
ACTION {"name": …}        the same with JSON, also over several lines
   --all --preview --yes --fields a,b --output table|json|csv|jsonl|text
help ACTION, find WORDS   all about an action; actions that do what is wanted
_                         the last answer again; _ status=draft name~sale --sort -created --limit 5 --fields id,name
                          _ --group-by status --count, --sum a.b, --average a.b; csv of it: _ -o csv
set                       show the settings; set output csv, set fields id,name, set account NAME, set read_only on
exit                      end it, as Ctrl-D does; Ctrl-C drops a line, or breaks off a call
TAB completes actions, arguments, values and ids."""
MOST_FOUND = 8
LEAVE = ("exit", "quit")
BROKEN_OFF = "Broken off. What had left for Klaviyo may have been done: read before you repeat it."
LOOK_AT_JOBS = 0.2
"""Seconds between two looks at jobs whose end is waited for."""
BY_NAME: dict[str, Form] = {form: form for form in FORMS}


@dataclass(frozen=True, slots=True)
class Begun:
    """How a shell was begun. `account` is the one that calls are for, None for the default."""

    form: Form
    account: str | None
    sandbox: bool
    read_only: bool


class Session:
    """One run of the shell."""

    def __init__(self, application: Application, jobs: JobWorker, begun: Begun) -> None:
        """`jobs` runs the jobs that are begun here, as long as the shell does."""
        self.application = application
        self.account = begun.account
        self.form: Form = begun.form
        self.fields: tuple[str, ...] = ()
        self.read_only = begun.read_only
        self._always_read_only = begun.read_only
        self._sandbox = begun.sandbox
        self._jobs = jobs
        self._ask_line: Callable[[str], Awaitable[str]] | None = None
        self._last: tuple[str, Response] | None = None
        self._code = 0

    async def run(self) -> int:
        """Read and run lines to the end; the exit code of the last that failed, 0 where a person has seen them fail."""
        self._jobs.serve()
        try:
            if is_terminal(sys.stdin):
                await self._in_terminal()
                await self._breakable(self._jobs_done, "")
                return 0
            await self._line_by_line()
            await self._jobs_done()
        finally:
            with anyio.CancelScope(shield=True):
                await self._close()
        return self._code

    async def _jobs_done(self) -> None:
        """Wait for the jobs that run here: they end with the shell."""
        waited_for = under_way = [job.id for job in await self._jobs.under_way()]
        if waited_for:
            warn([f"waiting for the end of {', '.join(waited_for)}, begun here; Ctrl-C leaves it unfinished."])
        while under_way:
            await anyio.sleep(LOOK_AT_JOBS)
            under_way = [job.id for job in await self._jobs.under_way()]
        for id in waited_for:
            state = await self._jobs.state_of(id)
            warn([f"job {id} is {state}. All about it: klaviyo-mcp jobs show {id}"])
            self._code = FAILED if state == "paused" else self._code

    async def _close(self) -> None:
        try:
            left = await self._jobs.under_way()
            await self._jobs.close()
            if left and not self._sandbox:
                warn(f"Job {job.id} is not finished. Go on with: klaviyo-mcp jobs resume {job.id}" for job in left)
        finally:
            await self.application.accounts.close()

    async def _in_terminal(self) -> None:
        from klaviyo_mcp.cli.shell_editor import answers, editor  # 0.2 s that lines from stdin need not wait for

        ask, self._ask_line = editor(self), answers()
        whose = await self._whose()
        print(f"klaviyo-mcp on {whose}. Type help for what it understands, TAB for what there is.", file=sys.stderr)
        while True:
            try:
                text = await ask(f"{await self._whose()}{' [read-only]' if self.read_only else ''}> ")
            except KeyboardInterrupt:
                continue
            except EOFError:
                return
            if text.strip() in LEAVE:
                return
            await self._breakable(lambda text=text: self.take(text))

    async def _line_by_line(self) -> None:
        text = ""
        async for line in lines_of_stdin():
            text += line
            if is_unfinished(text):
                continue
            if text.strip() in LEAVE:
                return
            await self.take(text)
            text = ""
        if text.strip():
            await self.take(text)

    async def take(self, text: str) -> None:
        """Run one line."""
        text = text.strip().replace("\\\n", " ")
        if not text or text.startswith("#"):
            return
        word, _, rest = text.partition(" ")
        own: dict[str, Callable[[str], Awaitable[None]]] = {
            "help": self._help,
            "?": self._help,
            "find": self._find,
            "set": self._set,
            "_": self._question,
        }
        try:
            await own[word](rest.strip()) if word in own else await self._call(read_call(text))
        except (WrongLine, WrongSetting, NoPages) as error:
            self._tell(str(error), MISUSED)
        except UnknownAction as error:
            self._tell(error.told, FAILED)
        except LeftOff:
            self._tell("Nothing was sent.", INTERRUPTED)
        except KlaviyoError as error:
            self._tell(error.message, FAILED)

    async def _call(self, line: Line) -> None:
        registry = self.application.engine.registry
        found = registry.get(line.action)
        spec = found.spec if found else None
        made_of = Settings(spec, line.given)
        for word in line.sets:
            if word.endswith("=-"):
                raise WrongLine("stdin has the lines of this shell: write NAME=@FILE for what a file holds.")
            made_of.add(word)
        given = made_of.arguments
        if found is not None and self.read_only and found.weakest_effect != "read":
            raise WrongLine(f"{found.name} changes something, and this shell is read-only. Nothing was sent.")
        asks = somebody_is_there()
        if asks and found is not None and self.application.exposure.shows(found):
            given = await run_sync(with_missing, found.spec, given, self._answered)
        form = _form(line.options.get("--output"), self.form)
        fields = line.fields or self.fields
        typed = Typed(
            Call(line.action, given), form, fields, "--all" in line.flags, "--preview" in line.flags, self.account
        )
        typed = prepared(typed, spec)
        ask = agreed_beforehand if "--yes" in line.flags else self._agreed if asks else None
        only = "read" if self.read_only else None
        response = await made(self.application, typed, client="klaviyo-mcp shell", ask=ask, only=only)
        self._show(response, typed)
        if not response.is_error and response.answer.data.get("done") is not False:
            self._last = line.action, response
            if not self._sandbox:
                noted(self.application, response, self.account)

    def _answered(self, name: str, default: str | None) -> str:
        """What is typed in for an argument, asked for by a thread: jobs go on meanwhile. Raises LeftOff."""
        asked = f"{name} [{default}]: " if default else f"{name}: "
        while True:
            if (typed := anyio.from_thread.run(self._line, asked).strip() or default or "") != "":
                return typed

    async def _agreed(self, plan: Answer) -> bool:
        print(visible(question(plan)), file=sys.stderr, flush=True)
        while True:
            try:
                typed = (await self._line(f"{SHALL_IT} [y/N]: ")).strip().casefold()
            except LeftOff:
                return False
            if typed in ("y", "yes", "n", "no", ""):
                return typed.startswith("y")

    async def _line(self, asked: str) -> str:
        """One line of whoever sits at the terminal. Raises LeftOff where it is broken off."""
        assert self._ask_line is not None  # noqa: S101 - nobody is asked anything elsewhere
        try:
            return await self._ask_line(asked)
        except (KeyboardInterrupt, EOFError):
            raise LeftOff from None

    def rows_of_last(self) -> list[Any]:
        """What the last answer lists."""
        return rows_of(self._last[1].answer.data) if self._last else []

    async def _question(self, rest: str) -> None:
        if self._last is None:
            raise WrongLine("There is no answer yet: run an action that reads something.")
        action, last = self._last
        asked, options = read_question(rest)
        form = _form(options.get("--output"), self.form)
        typed = Typed(Call(action, {}), form)
        if not asked:
            shown(self.application, last, typed)
            return
        kept = KeptAnswer("_", action, datetime.now(UTC), last.answer.data)

        async def run(_known: Known) -> Answer:
            answer = read_on(kept, asked, MOST_KEPT)
            return Answer({k: v for k, v in answer.data.items() if k not in ("answer_id", "as_of")}, answer.summary)

        self._show(await responded(self.application.engine, Call("read_more", asked), run), typed)

    async def _help(self, rest: str) -> None:
        if not rest:
            print(HELP)
            return
        registry = self.application.engine.registry
        console_for().print(page_of(find_action(registry, rest), registry))

    async def _find(self, rest: str) -> None:
        found = look_for(self.application.engine.registry, rest, MOST_FOUND, self.application.engine.lets_through)
        if not found.actions:
            raise WrongLine(f"No action fits {rest!r}.")
        if not found.likely:
            print("Probably no action does this. What comes nearest:")
        console = console_for()
        console.print(list_of(found.actions, console.width))

    async def _set(self, rest: str) -> None:
        name, _, value = rest.replace("=", " ", 1).partition(" ")
        value = value.strip()
        if not name:
            whose = await self._whose()
            told = {"account": whose, "output": self.form, "fields": ",".join(self.fields) or "as read"}
            told["read_only"] = "on" if self.read_only else "off"
            print("\n".join(f"{key:10} {one}" for key, one in told.items()))
        elif name == "output":
            self.form = _form(value, self.form)
        elif name == "fields":
            self.fields = fields_of(value)
        elif name == "account":
            names = await self.application.accounts.names()
            if value not in names:
                raise WrongLine(f"There is no account {value!r}. There are: {', '.join(names) or 'none yet'}.")
            self.account = value
        elif name == "read_only" and value in ("on", "off"):
            if value == "off" and self._always_read_only:
                raise WrongLine("This shell was begun with --read-only, and stays so.")
            self.read_only = value == "on"
        else:
            raise WrongLine("Write set output, set fields, set account or set read_only on|off, each with its value.")

    def _show(self, response: Response, typed: Typed) -> None:
        if not response.is_error:
            shown(self.application, response, typed)
        if problem := complaint(response):
            self._tell(problem, exit_code(response))

    def _tell(self, message: str, code: int) -> None:
        sys.stdout.flush()
        print(message, file=sys.stderr, flush=True)
        self._code = code

    async def _whose(self) -> str:
        if self._sandbox or self.account:
            return self.account or "sandbox"
        with suppress(KlaviyoError):
            return one_line(await self.application.accounts.default() or "no account", 60)
        return "no account"

    async def _breakable(self, run: Callable[[], Awaitable[None]], says: str = BROKEN_OFF) -> None:
        """Ctrl-C breaks off what is under way, and not the shell."""
        task = asyncio.ensure_future(run())
        loop = asyncio.get_running_loop()
        with suppress(NotImplementedError):  # Windows has none, and ends the shell
            loop.add_signal_handler(signal.SIGINT, task.cancel)
        try:
            await task
        except asyncio.CancelledError:
            if says:
                self._tell(says, INTERRUPTED)
        except KeyboardInterrupt:
            self._code = INTERRUPTED
        finally:
            with suppress(NotImplementedError):
                loop.remove_signal_handler(signal.SIGINT)


def _form(wanted: str | None, usual: Form) -> Form:
    if wanted is None:
        return usual
    if wanted not in BY_NAME:
        raise WrongLine(f"There is no output {wanted!r}. There are: {', '.join(FORMS)}.")
    return BY_NAME[wanted]
