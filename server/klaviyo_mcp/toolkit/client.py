"""Klaviyo for a program: calls by name through the engine, and the same actions as tools of agent frameworks."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from functools import partial
from inspect import isawaitable
from typing import Any, Self, Unpack

import anyio

from klaviyo_mcp.accounts.errors import AccountProblem
from klaviyo_mcp.actions.engine import Call
from klaviyo_mcp.actions.paging import MOST_KEPT
from klaviyo_mcp.answers.budget import BYTES_PER_TOKEN
from klaviyo_mcp.answers.guiding import guide_asked_for
from klaviyo_mcp.answers.shape import Answer as Shaped
from klaviyo_mcp.klaviyo.errors import KlaviyoError
from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.registry.tool_names import READ_MORE
from klaviyo_mcp.runtime.answering import Ask, Response, answer_call, confirm_call, preview_call, refused
from klaviyo_mcp.runtime.answering import Confirmation as Given
from klaviyo_mcp.runtime.assembly import Application
from klaviyo_mcp.runtime.discovering import describe_action
from klaviyo_mcp.runtime.job_attaching import attach_jobs
from klaviyo_mcp.toolkit.answers import AccountInfo, Answer, Confirmation, Plan, answer_of, plan_of
from klaviyo_mcp.toolkit.boxes import Box, Expose
from klaviyo_mcp.toolkit.errors import error_of
from klaviyo_mcp.toolkit.offering import Toolbox
from klaviyo_mcp.toolkit.options import Options, application_of
from klaviyo_mcp.toolkit.plain import sendable
from klaviyo_mcp.toolkit.tool import Runs
from klaviyo_mcp.toolkit.tool_calls import read_call
from klaviyo_mcp.tools.account_argument import ARGUMENT as ACCOUNT
from klaviyo_mcp.tools.account_argument import choice
from klaviyo_mcp.tools.calls import Caller, answered, room_of

AskPerson = Callable[[Plan], bool | Awaitable[bool]]
"""Asks a person whether a plan may be carried out."""


class Klaviyo(Toolbox):
    """Klaviyo, as the settings of a server and `options` have it: `async with Klaviyo() as klaviyo:`.

    It runs on asyncio, and belongs to the event loop of its first call. Any number of calls may be under way at once.
    Once it is closed, calls raise RuntimeError.
    Jobs that it begins (start_job, start_export) run while it is entered; what is left then is gone on with by
    resume_job, by a server, or by `klaviyo-mcp jobs resume`.
    """

    def __init__(self, *, ask: AskPerson | None = None, **options: Unpack[Options]) -> None:
        """`ask` is asked whether what has to be confirmed may be done, and without it such a call is held.

        A plain function is run in a thread. Raises ConfigurationError.
        """
        super().__init__(application_of(options), _asking(ask) if ask else None)
        self._jobs = attach_jobs(self._made)

    @property
    def application(self) -> Application:
        """What it is made of, as a server is."""
        return self._made

    @property
    def asks(self) -> Ask | None:
        """How a person is asked."""
        return self._ask

    async def __aenter__(self) -> Self:
        self._check_open()
        self._jobs.serve()
        self.known_accounts = await self._accounts_now()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close all connections, and break off calls and jobs that run here. `async with` does."""
        self._closed = True
        with anyio.CancelScope(shield=True):
            await self._jobs.close()
        self._made.accounts.interrupt()
        await self._made.accounts.close()

    async def call(
        self,
        action: str,
        arguments: Mapping[str, Any] | None = None,
        /,
        *,
        account: str | None = None,
        answer_tokens: int | None = None,
        raises: bool = True,
        **named: Any,
    ) -> Answer:
        """Call an action, its arguments by keyword, or in a mapping, or both. Times may be Python's.

        The answer has all records that were read, up to 8 MB; with `answer_tokens` only as many as a model has room
        for, and an `answer_id` for `read_more`. `account` says which of several connected accounts this is for.

        A call that has to be confirmed is not carried out: the answer has `done` False, and `confirmation`.

        Raises CallError, or with `raises=False` returns it as the `error` of the answer.
        """
        self._check_open()
        response = await answer_call(
            self._made.engine,
            self._made.accounts,
            Call(action, together(arguments, named)),
            account,
            budget=_bytes(answer_tokens),
            kept=self._made.kept if answer_tokens else None,
            listed=True,
            ask=self._ask,
            audit=self._made.audit,
        )
        return self._answer(response, account, raises=raises)

    async def each(
        self,
        action: str,
        arguments: Mapping[str, Any] | None = None,
        /,
        *,
        account: str | None = None,
        **named: Any,
    ) -> AsyncIterator[dict[str, Any]]:
        """Every record (of a report every row) of a reading action, page after page. Raises CallError."""
        given: JSON | None = together(arguments, named)
        while given is not None:
            answer = await self.call(action, given, account=account)
            for record in answer.each:
                yield record
            given = answer.goes_on

    async def preview(
        self,
        action: str,
        arguments: Mapping[str, Any] | None = None,
        /,
        *,
        account: str | None = None,
        raises: bool = True,
        **named: Any,
    ) -> Answer:
        """What a call would do, in `plan`; nothing is changed. Where it has to be confirmed, with a `confirmation`.

        Without a connected account, nothing that depends on one is looked at. Raises CallError.
        """
        self._check_open()
        response = await preview_call(
            self._made.engine,
            self._made.accounts if self._made.connected else None,
            Call(action, together(arguments, named)),
            account,
            listed=True,
            audit=self._made.audit,
        )
        return self._answer(response, account, raises=raises, previewed=True)

    async def confirm(
        self,
        confirmation: Answer | Confirmation | str,
        *,
        action: str | None = None,
        arguments: Mapping[str, Any] | None = None,
        account: str | None = None,
        answer_tokens: int | None = None,
        raises: bool = True,
    ) -> Answer:
        """Carry out the call that was held or previewed: by its answer, its confirmation or the token of that.

        It is carried out once, and only if what it would do has not changed. `action` and `arguments` repeat the call
        where another process held it. Raises CallError.
        """
        self._check_open()
        if isinstance(confirmation, Answer):
            account = account or confirmation.account
            found = confirmation.confirmation
            if found is None:
                raise ValueError("this answer waits for no confirmation: its call was carried out, or failed")
            confirmation = found
        token = confirmation if isinstance(confirmation, str) else confirmation.token
        response = await confirm_call(
            self._made.engine,
            self._made.accounts,
            Given(token, action, None if arguments is None else sendable(dict(arguments))),
            account,
            budget=_bytes(answer_tokens),
            kept=self._made.kept if answer_tokens else None,
            listed=True,
            audit=self._made.audit,
        )
        return self._answer(response, account, raises=raises)

    async def read_more(
        self, answer_id: str, *, account: str | None = None, raises: bool = True, **query: Any
    ) -> Answer:
        """Go through an answer that is kept, without asking Klaviyo: `where`, `sort`, `group_by`, `sum`, and so on.

        docs/answers.md has them all. Raises CallError.
        """
        self._check_open()
        made = self._made
        given: JSON = {"answer_id": answer_id, **query, **({ACCOUNT: account} if account else {})}
        response = await answered(made.engine, made.accounts, READ_MORE, given, Caller(), made.audit, room_of(made))
        return self._answer(response, account, raises=raises)

    def describe(self, name: str) -> Answer:
        """All about one action: what it does, every argument, rules, examples; or a guide, as `guide:segments`.

        Raises InvalidCall for a name that there is not.
        """
        engine = self._made.engine
        guide = guide_asked_for(name, engine.registry)
        response = Response(guide, guide.summary) if guide else describe_action(engine, name)
        return self._answer(response, None, raises=True)

    async def accounts(self) -> list[AccountInfo]:
        """The accounts that calls can be for, by name. Raises CallError where the vault cannot be read."""
        self._check_open()
        try:
            names, default = await self._made.accounts.names(), await self._made.accounts.default()
        except AccountProblem as problem:
            raise error_of(refused(self._made.engine, "accounts", problem)) from None
        return [AccountInfo(name, name == default) for name in names]

    async def _accounts_now(self) -> tuple[tuple[str, ...], str | None]:
        """Those that tools can name. A vault that cannot be read is told by calls."""
        try:
            names, default = await choice(self._made.accounts)
        except KlaviyoError:
            return (), None
        return tuple(names), default

    def _answer(self, response: Response, account: str | None, *, raises: bool, previewed: bool = False) -> Answer:
        answer = answer_of(response, self._made.engine.registry, account, previewed=previewed)
        if raises and answer.error is not None:
            raise answer.error
        return answer

    async def run_tool_call(self, call: object, *, expose: Expose | None = None) -> Any:
        """Run one call of a model's, in the form of OpenAI, Anthropic or Google, and give the reply for its next turn.

        What fails is told to the model in the reply, too. It reaches what the list of tools that was given out reaches;
        where there were several, `expose` says which, as it did then. Raises ConfigurationError and TypeError.
        """
        self._check_open()
        box, made = self.box_given_out(expose), read_call(call)
        return made.reply(await box.run(made.name, made.arguments))

    async def run_tool_calls(self, calls: Iterable[object] | None, *, expose: Expose | None = None) -> list[Any]:
        """Run the calls of one turn, one after the other, and give their replies in order. None are no calls."""
        return [await self.run_tool_call(call, expose=expose) for call in calls or ()]

    def _runs(self, box: Box, name: str) -> Runs:
        return Runs(partial(box.run, name))


def together(arguments: Mapping[str, Any] | None, named: Mapping[str, Any]) -> JSON:
    """Arguments of both kinds. Raises TypeError for one that is given twice."""
    given = dict(arguments or {})
    if twice := sorted(given.keys() & named.keys()):
        raise TypeError(f"{twice[0]} is given twice: in the mapping and by keyword")
    return sendable(given | dict(named))


def _bytes(tokens: int | None) -> int:
    """What an answer may have: a program has room for all that one call reads."""
    return MOST_KEPT if tokens is None else max(tokens, 1) * BYTES_PER_TOKEN


def _asking(ask: AskPerson) -> Ask:
    async def asked(shown: Shaped) -> bool | None:
        said = await anyio.to_thread.run_sync(ask, plan_of(shown.data))
        agrees = await said if isawaitable(said) else said
        return agrees is True

    return asked
