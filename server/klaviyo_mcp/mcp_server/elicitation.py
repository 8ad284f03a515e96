"""Asking the person whether a call may be carried out, where their client can: in both eras of the protocol.

Before 2026-07-28 the server asks while the call waits. Since then the call is answered with what is to be asked, and
the client makes it again with the person's answer and a state, which is the confirmation token of the call: signed, for
this call and account alone, and taken once.
"""

from typing import Any

import mcp.types as types
from mcp.server import ServerRequestContext
from mcp.shared.exceptions import MCPError

from klaviyo_mcp.answers.held import question
from klaviyo_mcp.answers.shape import Answer
from klaviyo_mcp.answers.text import EXPLAINED
from klaviyo_mcp.klaviyo.user_text import is_written_by_users, piece
from klaviyo_mcp.loose_json import mapping
from klaviyo_mcp.mcp_server.hello import MODERN_VERSION
from klaviyo_mcp.runtime.answering import Ask, Response

KEY = "agree"
LONGEST = 4_000
"""Characters of a question."""
_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {KEY: {"type": "boolean", "title": "Do this", "description": "Yes carries it out, no does nothing."}},
    "required": [KEY],
}


def asking(context: ServerRequestContext[Any]) -> Ask | None:
    """How to ask the person at once; None where their client cannot be asked while a call waits."""
    session = context.session
    if context.protocol_version >= MODERN_VERSION or not _can_be_asked(context) or not session.can_send_request:
        return None

    async def ask(plan: Answer) -> bool | None:
        try:
            answer = await session.elicit_form(_asked(plan), _SCHEMA, related_request_id=context.request_id)
        except MCPError:
            return None  # a client that cannot after all: the call is held, and the agent asks
        return agreed(answer)

    return ask


def question_in_answer(context: ServerRequestContext[Any], response: Response) -> types.InputRequiredResult | None:
    """What a call that is held is answered with, where the client asks the person itself and then calls again."""
    token = mapping(response.answer.data.get("confirmation")).get("token")
    if not token or context.protocol_version < MODERN_VERSION or not _can_be_asked(context):
        return None
    form = types.ElicitRequestFormParams(message=_asked(response.answer), requested_schema=_SCHEMA)
    return types.InputRequiredResult(
        input_requests={KEY: types.ElicitRequest(params=form)},
        request_state=str(token),
    )


def agreed(answer: object) -> bool:
    """Whether a person's answer is a yes, and nothing else."""
    return (
        isinstance(answer, types.ElicitResult) and answer.action == "accept" and (answer.content or {}).get(KEY) is True
    )


def _asked(plan: Answer) -> str:
    asked = piece(question(plan), 0, LONGEST)
    explained = f"\n{EXPLAINED}" if is_written_by_users(asked) else ""
    return f"{asked}{explained}\nShall this be done?"


def _can_be_asked(context: ServerRequestContext[Any]) -> bool:
    known = context.session.client_capabilities
    return known is not None and known.elicitation is not None
