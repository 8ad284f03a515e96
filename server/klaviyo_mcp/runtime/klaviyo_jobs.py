"""Jobs that Klaviyo runs by itself, by the action that started them: which read tells of one, and what ends it.

All of it stands in the specs: the action's `verify` reads a record of the same type, by the id of the job.
"""

from typing import Any

from klaviyo_mcp.accounts.account import Account
from klaviyo_mcp.actions.engine import Engine
from klaviyo_mcp.actions.request import fill
from klaviyo_mcp.actions.services import Served, ServiceCall, ServiceProblem
from klaviyo_mcp.klaviyo.errors import KlaviyoError
from klaviyo_mcp.loose_json import JSON, items
from klaviyo_mcp.registry.registry import Action, Registry

ENDS = ("complete", "cancelled")
"""The states in which a job of Klaviyo's does not go on."""
MOST_ERRORS = 20
IDS = ("$record.id", "$id")
"""What stands in a `verify` for the id of the job, or of what the job is called by."""


def reading(registry: Registry, of: str) -> tuple[str, str] | None:
    """The action that reads a job which `of` started, and its argument for the job; None where nothing reads it."""
    action = registry[of]
    for verify in action.spec.result.verifications if action.spec.result.kind == "job" else ():
        if registry[verify.action].spec.result.type != action.spec.result.type or len(verify.arguments) != 1:
            continue
        ((name, value),) = verify.arguments.items()
        if value in IDS:
            return verify.action, name
    return None


def started(registry: Registry) -> list[str]:
    """The actions that start a job of Klaviyo's which can be read, sorted."""
    return sorted(action.name for action in registry.actions if reading(registry, action.name))


def ended(registry: Registry, of: str, job: str) -> tuple[str, JSON]:
    """The call that ends a job which `of` started. Raises ServiceProblem where Klaviyo has none."""
    ends = registry[of].spec.result.ends
    if ends is None:
        raise ServiceProblem(f"Klaviyo cannot end what {of} started.", "Wait for its end with wait_for_job.")
    return ends.action, fill(ends.arguments, {"job": job})


async def job_of(engine: Engine, call: ServiceCall, of: str) -> JSON:
    """The record of a job of Klaviyo's. Raises ActionError and KlaviyoError."""
    found = reading(engine.registry, of)
    if found is None:
        raise ServiceProblem(f"Klaviyo does not tell of what {of} started.", "Look at what it was to change.")
    name, argument = found
    records = (await engine.read(call.account, name, {argument: call.arguments["job"]})).records
    return next(iter(records), dict[str, Any]())


def is_done(record: JSON) -> bool:
    """Whether it is over."""
    return record.get("status") in ENDS


async def answer_of(engine: Engine, account: Account, record: JSON, of: str) -> Served:
    """What is told of a job of Klaviyo's; the errors of its rows where it has some."""
    answer: JSON = {"of": of, "record": record}
    if record.get("failed_count") and not items(record.get("errors")) and (name := _errors(engine.registry, of)):
        try:
            read = await engine.read(account, name, {"id": record["id"], "page_size": MOST_ERRORS})
            answer["errors"] = read.records[:MOST_ERRORS]
        except KlaviyoError as error:
            answer["errors_not_read"] = f"{name} could not tell ({error.code})."
    return Served(answer, _line(engine.registry[of], record))


def _errors(registry: Registry, of: str) -> str:
    """The action that reads the errors of single rows, where they do not stand in the job."""
    from klaviyo_mcp.jobs.kind import load_kinds

    follows = [kind.follow for kind in load_kinds().values() if kind.action == of and kind.follow]
    named = [follow.errors.action for follow in follows if follow.errors and follow.errors.action]
    return next((name for name in named if name in registry.by_name), "")


def _line(action: Action, record: JSON) -> str:
    counts: dict[str, Any] = {
        "of {:,}": record.get("total_count"),
        "{:,} completed": record.get("completed_count"),
        "{:,} failed": record.get("failed_count"),
    }
    told = ", ".join(words.format(count) for words, count in counts.items() if isinstance(count, int))
    return f"{action.spec.title}: Klaviyo's job is {record.get('status', 'not known')}{f', {told}' if told else ''}."
