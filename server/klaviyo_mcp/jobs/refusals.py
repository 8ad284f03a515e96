"""What an error of a job's call says: to people, of which place in its arguments, and whether anything may be done."""

from collections.abc import Iterator

from klaviyo_mcp.actions.errors import ActionError
from klaviyo_mcp.answers.pointers import argument_at
from klaviyo_mcp.klaviyo.errors import KlaviyoError, RequestOutcome
from klaviyo_mcp.klaviyo.words import one_line
from klaviyo_mcp.registry.model import ActionSpec

NOTHING = (RequestOutcome.NOT_SENT, RequestOutcome.SENT_IN_PART, RequestOutcome.REFUSED)


def may_be_done(error: ActionError | KlaviyoError) -> bool:
    """Whether a request may have been carried out, by this attempt or one before that was repeated."""
    return isinstance(error, KlaviyoError) and (error.outcome not in NOTHING or bool(error.before))


def problems_at(error: ActionError | KlaviyoError, spec: ActionSpec) -> Iterator[tuple[str, str]]:
    """Places in the arguments, and what is wrong there."""
    if isinstance(error, ActionError):
        yield from ((problem.argument, f"{problem.problem}. {problem.fix}".strip()) for problem in error.problems)
    else:
        yield from ((argument_at(one.source, spec), one.detail or one.title) for one in error.problems)


def told_of(error: ActionError | KlaviyoError) -> str:
    """An error as the reason of a pause, in one line."""
    problems = "; ".join(str(problem) for problem in error.problems[:3]) if isinstance(error, ActionError) else ""
    return one_line(" ".join(part for part in (error.message, problems, error.advice) if part), 1_000)
