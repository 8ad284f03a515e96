"""What every surface needs to answer calls: functions that never raise, whatever happens."""

import logging
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from klaviyo_mcp.accounts.account import Accounts
from klaviyo_mcp.actions.bounds import is_long
from klaviyo_mcp.actions.engine import Call, Engine
from klaviyo_mcp.actions.errors import ActionError
from klaviyo_mcp.actions.long_work import done
from klaviyo_mcp.answers.budget import BUDGET
from klaviyo_mcp.answers.failures import explain
from klaviyo_mcp.answers.preview import preview
from klaviyo_mcp.answers.shape import Answer, shape
from klaviyo_mcp.klaviyo.errors import KlaviyoError
from klaviyo_mcp.klaviyo.requests import Announce
from klaviyo_mcp.runtime.watching import UNKNOWN_ACTION, watched

log = logging.getLogger("klaviyo_mcp")


@dataclass(frozen=True, slots=True)
class Response:
    """The answer to a call, and whether it is an error.

    `call_id` is what the call is found by in logs and traces; an error holds it too. A preview is in none and has none.
    """

    answer: Answer
    is_error: bool = False
    call_id: str = ""


async def answer_call(
    engine: Engine,
    accounts: Accounts,
    call: Call,
    name: str | None = None,
    *,
    budget: int = BUDGET,
    meta: Mapping[str, Any] | None = None,
    announce: Announce | None = None,
) -> Response:
    """Run a call for the account of that name, or the one that is meant, and turn whatever happens into an answer.

    `budget` is how many characters of JSON an answer may have. `meta` is the `_meta` of an MCP request, None for a call
    that is none; `announce` is told of waits for quota. Only cancellation passes through. The call is watched: see
    `watching`.
    """
    with watched(engine.registry, call.name, meta) as watch:

        async def run() -> Answer:
            account = await accounts.find(name)
            watch.account = account.name
            outcome = await engine.run(call, account, announce)
            watch.pages = len(outcome.replies) if outcome.pages is not None else 0
            explained = await engine.explained(outcome, account)
            long = is_long([reply.document for reply in outcome.replies])
            return await done(partial(shape, explained, budget), long=long)

        response = await _response(engine, call, run, watch.call_id)
        if response.is_error:
            watch.outcome = response.answer.data["error"]["code"]
        return response


async def preview_call(engine: Engine, call: Call) -> Response:
    """What a call would send. No account is looked at."""

    async def run() -> Answer:
        return preview(engine.plan(call))

    return await _response(engine, call, run)


async def _response(engine: Engine, call: Call, run: Callable[[], Awaitable[Answer]], call_id: str = "") -> Response:
    try:
        try:
            return Response(await run(), call_id=call_id)
        except (ActionError, KlaviyoError) as error:
            return _failure(explain(error, call.name, engine.registry), call_id)
    except Exception as error:  # noqa: BLE001 - the last line of defence: an agent must get an answer, not a traceback
        # The place is enough to mend a fault; the message could hold someone's data, so it is not logged.
        frame = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{frame.name}, line {frame.lineno}"
        action = engine.registry.get(call.name)
        known = action.name if action else UNKNOWN_ACTION
        log.error("internal error in %s: %s in %s; call id %s", known, type(error).__name__, place, call_id or "none")
        details = {
            "code": "internal_error",
            "message": f"klaviyo-mcp failed while it worked on {call.name} ({type(error).__name__} in {place}).",
            "outcome": "It is not known whether anything was sent to Klaviyo.",
            "next_step": "Read the record before you repeat a write, and tell the user to report this fault.",
        }
        return _failure(Answer({"error": details}, details["message"]), call_id)


def _failure(answer: Answer, call_id: str) -> Response:
    """An error with its id, so that a user can quote it."""
    if call_id:
        answer.data["error"]["call_id"] = call_id
    return Response(answer, is_error=True, call_id=call_id)
