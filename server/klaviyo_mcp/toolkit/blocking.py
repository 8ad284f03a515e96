"""Klaviyo for programs without an event loop of their own, and for notebooks, which have one that is taken."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial, wraps
from threading import Lock
from typing import Any, Concatenate, ParamSpec, Self, TypeVar, Unpack

import anyio
from anyio.from_thread import BlockingPortal, start_blocking_portal

from klaviyo_mcp.runtime.answering import Response
from klaviyo_mcp.toolkit.answers import Answer
from klaviyo_mcp.toolkit.boxes import Box, Expose
from klaviyo_mcp.toolkit.client import AskPerson, Klaviyo, together
from klaviyo_mcp.toolkit.offering import Toolbox
from klaviyo_mcp.toolkit.options import Options
from klaviyo_mcp.toolkit.tool import Runs
from klaviyo_mcp.toolkit.tool_calls import read_call

P = ParamSpec("P")
T = TypeVar("T")


class KlaviyoSync(Toolbox):
    """`Klaviyo` without `await`: `with KlaviyoSync() as klaviyo:`. Any thread may use it, also where a loop is running.

    Calls run on an event loop in a thread of its own, which begins with the first of them and ends with `close`.
    """

    def __init__(self, *, ask: AskPerson | None = None, **options: Unpack[Options]) -> None:
        """As `Klaviyo`. Raises ConfigurationError."""
        self._inner = Klaviyo(ask=ask, **options)
        super().__init__(self._inner.application, self._inner.asks)
        self._open = ExitStack()
        self._portal: BlockingPortal | None = None
        self._beginning = Lock()

    def __enter__(self) -> Self:
        self._run(self._inner.__aenter__)
        self.known_accounts = self._inner.known_accounts
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections. `with` does."""
        self._closed = True
        if self._portal is not None:
            try:
                self._portal.call(self._inner.aclose)
            finally:
                self._portal = None
                self._open.close()

    @staticmethod
    def _without_await(
        method: Callable[Concatenate[Klaviyo, P], Awaitable[T]],
    ) -> Callable[Concatenate["KlaviyoSync", P], T]:
        """A method of `Klaviyo`, with its arguments and words, that gives what the other has to be awaited for."""

        @wraps(method)
        def run(klaviyo: "KlaviyoSync", /, *args: P.args, **kwargs: P.kwargs) -> T:
            return klaviyo._run(method, klaviyo._inner, *args, **kwargs)

        return run

    call = _without_await(Klaviyo.call)
    preview = _without_await(Klaviyo.preview)
    confirm = _without_await(Klaviyo.confirm)
    read_more = _without_await(Klaviyo.read_more)
    accounts = _without_await(Klaviyo.accounts)

    def each(
        self, action: str, arguments: Mapping[str, Any] | None = None, /, *, account: str | None = None, **named: Any
    ) -> Iterator[dict[str, Any]]:
        """As `Klaviyo.each`."""
        given: dict[str, Any] | None = together(arguments, named)
        while given is not None:
            answer = self.call(action, given, account=account)
            yield from answer.each
            given = answer.goes_on

    def describe(self, name: str) -> Answer:
        """As `Klaviyo.describe`."""
        return self._inner.describe(name)

    def run_tool_call(self, call: object, *, expose: Expose | None = None) -> Any:
        """As `Klaviyo.run_tool_call`."""
        box, made = self.box_given_out(expose), read_call(call)
        return made.reply(self._run(box.run, made.name, made.arguments))

    def run_tool_calls(self, calls: Iterable[object] | None, *, expose: Expose | None = None) -> list[Any]:
        """As `Klaviyo.run_tool_calls`."""
        return [self.run_tool_call(call, expose=expose) for call in calls or ()]

    def _runs(self, box: Box, name: str) -> Runs:
        def at_once(arguments: object) -> Response:
            return self._run(box.run, name, arguments)

        async def awaited(arguments: object) -> Response:
            return await anyio.to_thread.run_sync(at_once, arguments)

        return Runs(awaited, at_once)

    def _run(self, function: Callable[P, Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """What an async function answers on the loop of this object's own."""
        self._check_open()
        with self._beginning:
            if self._portal is None:
                self._portal = self._open.enter_context(start_blocking_portal("asyncio", name="klaviyo-mcp toolkit"))
            portal = self._portal
        return portal.call(partial(function, *args, **kwargs))
