"""Calls of read_more: an account's kept answer is found and gone through, and nothing is sent to Klaviyo."""

from functools import partial

from klaviyo_mcp.accounts.account import Accounts
from klaviyo_mcp.actions.engine import Call, Engine
from klaviyo_mcp.actions.long_work import done
from klaviyo_mcp.answers.kept_answers import KeptAnswers
from klaviyo_mcp.answers.reading_more import read_on
from klaviyo_mcp.answers.shape import Answer
from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.registry.tool_names import READ_MORE
from klaviyo_mcp.runtime.answering import Known, Response, responded


async def read_more(
    engine: Engine, accounts: Accounts, kept: KeptAnswers, given: JSON, name: str | None, budget: int
) -> Response:
    """Go through an answer that was kept for the account of that name, or the one that is meant.

    `given` are the arguments, checked by their schema, and `budget` the bytes of JSON that there may be.
    """

    async def run(_known: Known) -> Answer:
        found = await kept.find(await accounts.find(name), given["answer_id"])
        return await done(partial(read_on, found, given, budget), long=True)

    return await responded(engine, Call(READ_MORE, given), run, listed=True)
