"""What every surface needs to answer calls: the engine, the account, and one function that never raises."""

import logging
import traceback
from dataclasses import dataclass

from klaviyo_mcp.accounts.account import Account
from klaviyo_mcp.actions.engine import Call, Engine
from klaviyo_mcp.actions.errors import ActionError
from klaviyo_mcp.actions.failures import explain
from klaviyo_mcp.actions.result import Answer
from klaviyo_mcp.klaviyo.errors import KlaviyoError

log = logging.getLogger("klaviyo_mcp")


@dataclass(frozen=True, slots=True)
class Reaction:
    """The answer to a call, and whether it is an error."""

    answer: Answer
    is_error: bool = False


async def react(engine: Engine, account: Account, call: Call, *, preview: bool = False) -> Reaction:
    """Run a call and turn whatever happens into an answer. Only cancellation passes through."""
    try:
        return Reaction(engine.preview(call) if preview else await engine.run(call, account))
    except (ActionError, KlaviyoError) as error:
        return Reaction(explain(error, call.name, engine.registry), is_error=True)
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
        return Reaction(Answer({"error": details}, details["message"]), is_error=True)
