"""Answers that are kept, as MCP resources: what they list, as a file for spreadsheets or programs."""

import re
from dataclasses import dataclass
from functools import partial

import mcp.types as types

from klaviyo_mcp.accounts.account import Accounts, found_for_any
from klaviyo_mcp.actions.errors import ActionError
from klaviyo_mcp.actions.long_work import done
from klaviyo_mcp.answers.exporting import as_csv, as_jsonl
from klaviyo_mcp.answers.kept_answers import KeptAnswers, UnknownAnswer
from klaviyo_mcp.answers.reading_more import records_of
from klaviyo_mcp.klaviyo.documents import without_halves
from klaviyo_mcp.mcp_server.resources import not_found

ANSWER_URI = re.compile(r"^klaviyo://answers/([0-9a-zA-Z]{1,40})\.(csv|jsonl)$")
FORMS = {"csv": ("text/csv", as_csv), "jsonl": ("application/jsonl", as_jsonl)}
ANSWER_TEMPLATES = [
    types.ResourceTemplate(
        name=f"answer-{form}",
        title=f"Records of an answer as {form.upper()}",
        uri_template=f"klaviyo://answers/{{answer_id}}.{form}",
        description="All records of an answer that was too long to be shown whole, by its answer_id.",
        mime_type=kind,
    )
    for form, (kind, _) in FORMS.items()
]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a URI asks for."""

    uri: str
    number: str
    form: str


def answer_asked_for(uri: str) -> Asked | None:
    """The answer, and its form, that a URI asks for; None for the URI of something else."""
    match = ANSWER_URI.match(uri)
    return Asked(uri, match[1], match[2]) if match else None


async def read_answer(asked: Asked, accounts: Accounts, kept: KeptAnswers, version: str) -> types.ReadResourceResult:
    """The file. Raises MCPError, for the `version` of the protocol, that says what to do."""
    try:
        found = await found_for_any(accounts, lambda account: kept.find(account, asked.number), UnknownAnswer)
    except ActionError as error:
        raise not_found(asked.uri, version, f"{error.message} {error.advice}") from None
    records = records_of(found) if found else None
    if records is None:
        gone = "Answers are kept for a while only, each for its account: call the action again, which gives a new id."
        why = "This answer lists nothing; read it with read_more." if found else f"No such answer is kept. {gone}"
        raise not_found(asked.uri, version, why)
    kind, write = FORMS[asked.form]
    text = without_halves(await done(partial(write, records), long=True))
    content = types.TextResourceContents(uri=asked.uri, mime_type=kind, text=text)
    return types.ReadResourceResult(contents=[content])
