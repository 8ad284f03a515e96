"""What every surface needs to answer calls: functions that never raise, whatever happens."""

import logging
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

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

log = logging.getLogger("klaviyo_mcp")


@dataclass(frozen=True, slots=True)
class Response:
    """The answer to a call, and whether it is an error."""

    answer: Answer
    is_error: bool = False


async def answer_call(
    engine: Engine, accounts: Accounts, call: Call, name: str | None = None, *, budget: int = BUDGET
) -> Response:
    """Run a call for the account of that name, or the one that is meant, and turn whatever happens into an answer.

    `budget` is how many characters of JSON an answer may have. Only cancellation passes through.
    """

    async def run() -> Answer:
        account = await accounts.find(name)
        outcome = await engine.explained(await engine.run(call, account), account)
        return await done(partial(shape, outcome, budget), long=is_long([reply.document for reply in outcome.replies]))

    return await _response(engine, call, run)


async def preview_call(engine: Engine, call: Call) -> Response:
    """What a call would send. No account is looked at."""

    async def run() -> Answer:
        return preview(engine.plan(call))

    return await _response(engine, call, run)


async def _response(engine: Engine, call: Call, run: Callable[[], Awaitable[Answer]]) -> Response:
    try:
        try:
            return Response(await run())
        except (ActionError, KlaviyoError) as error:
            return Response(explain(error, call.name, engine.registry), is_error=True)
    except Exception as error:  # noqa: BLE001 - the last line of defence: an agent must get an answer, not a traceback
        # The place is enough to mend a fault; the message could hold someone's data, so it is not logged.
        frame = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{frame.name}, line {frame.lineno}"
        log.error("internal error in %s: %s in %s", call.name, type(error).__name__, place)
        details = {
            "code": "internal_error",
            "message": f"klaviyo-mcp failed while it worked on {call.name} ({type(error).__name__} in {place}).",
            "outcome": "It is not known whether anything was sent to Klaviyo.",
            "next_step": "Read the record before you repeat a write, and tell the user to report this fault.",
        }
        return Response(Answer({"error": details}, details["message"]), is_error=True)
