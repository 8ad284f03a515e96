"""What a job would do to one row, as the engine tells it of a call with that row alone."""

from dataclasses import dataclass

from klaviyo_mcp.accounts.account import Account
from klaviyo_mcp.actions.engine import Call, Engine
from klaviyo_mcp.actions.errors import ActionError, InvalidArguments, PreconditionFailed
from klaviyo_mcp.jobs.errors import JobProblem
from klaviyo_mcp.jobs.preparing import Draft, option_problem, settled_options
from klaviyo_mcp.klaviyo.errors import KlaviyoError, NotFound
from klaviyo_mcp.loose_json import JSON

TRIED = 10
"""Rows that are tried as an example: one that will be refused must not stand for all others."""


@dataclass(frozen=True, slots=True)
class Example:
    """The line of the row, sentences about what becomes of it, what is not known of that, and the way back."""

    line: int
    says: tuple[str, ...]
    unknown: tuple[str, ...]
    undo: str


async def example_of(engine: Engine, account: Account, draft: Draft) -> Example | None:
    """An example of a draft, whose options have ids for names then; None where the account has none of the first rows.

    Raises JobProblem for an option that does not fit, ActionError and KlaviyoError.
    """
    await _must_be_there(engine, account, draft)

    async def look(action: str, arguments: JSON) -> list[JSON]:
        return (await engine.read(account, action, arguments)).records

    refused: ActionError | None = None
    for line, arguments in (await draft.examples(look))[:TRIED]:
        try:
            plan = await engine.planned(Call(draft.kind.action, arguments), account)
        except (InvalidArguments, PreconditionFailed) as error:
            if isinstance(error, InvalidArguments) and (problem := option_problem(draft, error)):
                raise problem from None
            if not draft.is_of_rows(error):
                raise
            refused = refused or error
            continue
        found = await engine.consequences(plan, account)
        draft.job.facts["options"] = settled_options(draft, plan.arguments)
        return Example(line, found.says, found.unknown, found.undo)
    if refused is not None:
        raise refused
    return None


async def _must_be_there(engine: Engine, account: Account, draft: Draft) -> None:
    """Raises JobProblem for an option with the id of what is not in the account; names are looked up with the plan."""
    given = {**draft.job.facts["wanted"]["options"], **draft.job.facts["options"]}
    for name, option in draft.kind.options.items():
        id = given.get(name)
        if not option.there or not isinstance(id, str) or id.startswith("name:"):
            continue
        try:
            await engine.read(account, option.there, {"id": id})
        except NotFound:
            raise JobProblem(
                f"The option {name} does not fit: nothing with the id {id!r} exists in this account",
                f"Look it up, or write name: and its name. {option.help}",
            ) from None
        except (ActionError, KlaviyoError):
            continue  # whatever keeps it from being read: the call itself tells of that
