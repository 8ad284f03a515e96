"""Any error of a call as an answer for an agent: what happened, whether anything was changed, and what to do next."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from klaviyo_mcp.actions.errors import (
    ActionError,
    Problem,
    ScopeMissing,
    Stopped,
    UnknownAction,
    WrongTool,
)
from klaviyo_mcp.actions.grouping import grouped
from klaviyo_mcp.actions.idempotency import keys_of
from klaviyo_mcp.actions.services import ServiceProblem
from klaviyo_mcp.answers.checking import check_of
from klaviyo_mcp.answers.fates import BY_OUTCOME, DONE_IN_PART, NOT_SENT, NOTHING_CHANGED, REFUSED_LATER, Fate
from klaviyo_mcp.answers.pointers import argument_at
from klaviyo_mcp.answers.shape import Answer
from klaviyo_mcp.klaviyo.errors import (
    AllowanceExhausted,
    AnswerTooLarge,
    Conflict,
    ForeignAnswer,
    KlaviyoError,
    PermissionDenied,
    RequestOutcome,
    UnreadableAnswer,
)
from klaviyo_mcp.klaviyo.replies import in_quotes
from klaviyo_mcp.klaviyo.retries import found_gone
from klaviyo_mcp.klaviyo.words import one_line
from klaviyo_mcp.loose_json import JSON, is_list, is_object
from klaviyo_mcp.registry.model import ActionSpec
from klaviyo_mcp.registry.notes import Advice
from klaviyo_mcp.registry.registry import Registry

DATA = frozenset({"done_so_far", "check", "sent_with", "found"})
"""Parts of an error that are no sentences."""
LONGEST_SENTENCE = 2_000
MOST_PROBLEMS = 20
LONGEST_PLACE = 200
LIMIT_ADVICE = (
    "Klaviyo names a limit here, not a missing permission: no other key and no other scope would help. Wait until "
    "it is free again (a daily limit within 24 hours), or use fewer of what is limited."
)
ALREADY_GONE = (
    "What was to be removed is not there now, as it would be had an earlier attempt been carried out. Nothing is left "
    "to do if that was the right one."
)


def explain(error: ActionError | KlaviyoError, name: str, registry: Registry) -> Answer:
    """The answer to give for an error of calling the action `name`."""
    details = _details(error, action.spec if (action := registry.get(name)) else None, registry)
    details = {key: value for key, value in details.items() if value not in (None, "", [], {})}
    details = {key: value if key in DATA else _told(value) for key, value in details.items()}
    return Answer({"error": details}, str(details["message"]))


def _told(value: Any) -> Any:
    """What is said, each sentence on one line and bounded: names of tools and arguments in it may be anyone's."""
    if isinstance(value, str):
        return one_line(value, LONGEST_SENTENCE)
    if is_list(value):
        return [_told(item) for item in value]
    return {key: _told(inner) for key, inner in value.items()} if is_object(value) else value


def _details(error: ActionError | KlaviyoError, spec: ActionSpec | None, registry: Registry) -> JSON:
    return _klaviyo(error, spec, registry) if isinstance(error, KlaviyoError) else _action(error, spec, registry)


def _action(error: ActionError, spec: ActionSpec | None, registry: Registry) -> JSON:
    if isinstance(error, Stopped):
        return {
            **_details(error.cause, spec, registry),
            "code": error.code,
            "message": error.message,
            **DONE_IN_PART.as_data(),
            "done_so_far": error.done,
            "next_step": (
                "Call again with the same arguments: what was done is found and not done twice."
                if spec is not None and spec.idempotent
                else "Look at done_so_far before you call again, so that nothing is done twice."
            ),
        }
    next_step = error.mend if isinstance(error, ScopeMissing) else error.advice
    if isinstance(error, UnknownAction):
        next_step = error.how_to_look
    if isinstance(error, WrongTool | ServiceProblem):
        next_step = error.next_step
    return {
        "code": error.code,
        "message": error.message,
        "problems": _shown(error.problems),
        **(NOTHING_CHANGED if error.looked else NOT_SENT).as_data(),
        "candidates": [asdict(found) for found in error.candidates] if isinstance(error, UnknownAction) else None,
        "scopes_needed": list(error.scopes) if isinstance(error, ScopeMissing) else None,
        "next_step": next_step,
        "found": error.found if isinstance(error, ServiceProblem) else None,
    }


def _klaviyo(error: KlaviyoError, spec: ActionSpec | None, registry: Registry) -> JSON:
    problems = [Problem(argument_at(found.source, spec), in_quotes(found)) for found in error.problems]
    # What was sent is known by the action that sent it: a step of the one that was called, or what that picked.
    name, arguments = error.asked or ("", {})
    sent = action.spec if (action := registry.get(name)) else spec
    unknown = error.outcome is RequestOutcome.UNKNOWN and not error.reading
    return {
        "code": error.code,
        "message": error.message,
        "status": error.status,
        "problems": _shown(grouped(problems)),
        **_fate(error).as_data(),
        "attempts": error.attempts if error.attempts > 1 else None,
        "attempts_before": list(dict.fromkeys(error.before)),
        "next_step": _advice(error, spec, sent) + _or_kept(error),
        "check": check_of(sent, arguments, registry) if unknown and sent else None,
        "sent_with": _sent_with(sent, arguments) if unknown and sent else None,
        "retry_at": _instant(error.retry_at),
        "duplicate_profile_id": one_line(error.duplicate_profile_id or "", 100)
        if isinstance(error, Conflict)
        else None,
        "scopes_needed": _scopes(error, spec),
        "request_id": error.request_id,
    }


def _fate(error: KlaviyoError) -> Fate:
    if error.reading and error.outcome in (RequestOutcome.UNKNOWN, RequestOutcome.DONE):
        return NOTHING_CHANGED
    if error.looked and error.outcome is RequestOutcome.NOT_SENT:
        return NOTHING_CHANGED
    if error.outcome is not RequestOutcome.UNKNOWN:
        return BY_OUTCOME[error.outcome]
    return BY_OUTCOME[RequestOutcome.UNKNOWN] if type(error).outcome is RequestOutcome.UNKNOWN else REFUSED_LATER


def _sent_with(spec: ActionSpec, arguments: JSON) -> JSON:
    """The keys by which Klaviyo tells a repetition: the same ones make it harmless."""
    keys = keys_of(spec, arguments)
    if not keys:
        return {}
    return {str(spec.idempotency_key): keys[0] if len(keys) == 1 else f"{keys[0]} … {keys[-1]} ({len(keys)} in order)"}


def _shown(problems: tuple[Problem, ...]) -> list[JSON]:
    return [
        {key: value for key, value in (("argument", _place(p)), ("problem", p.problem), ("fix", p.fix)) if value}
        for p in problems
    ]


def _place(problem: Problem) -> str:
    """The argument in question. Names in it may be anyone's, of any length and with any character."""
    return one_line(problem.argument, LONGEST_PLACE)


def _scopes(error: KlaviyoError, spec: ActionSpec | None) -> list[str] | None:
    """What a 403 may lack. One that names a limit, or is a proxy's, is not about scopes."""
    denied = isinstance(error, PermissionDenied) and error.about != "limit"
    return spec.scopes if spec is not None and denied else None


def _advice(error: KlaviyoError, spec: ActionSpec | None, sent: ActionSpec | None) -> str:
    foreign = isinstance(error, ForeignAnswer)
    if error.reading and error.outcome in (RequestOutcome.UNKNOWN, RequestOutcome.DONE):
        helps = isinstance(error, ForeignAnswer | AnswerTooLarge)
        return f"Reading changes nothing. {error.advice}" if helps else "Reading changes nothing: call again."
    if found_gone(error) and sent is not None and sent.effect == "destructive":
        return ALREADY_GONE
    if specific := _specific(advice for advice in _advices(error.code, spec) if _looks_at(advice, error)):
        return specific
    if isinstance(error, PermissionDenied) and error.about == "limit":
        return LIMIT_ADVICE
    if isinstance(error, AllowanceExhausted) and (without := _without(error, spec)):
        return f"Call again at or after retry_at, or now {without}: that has this narrower limit of its own."
    if general := _general(error.code, spec):
        return general.says
    if error.outcome is RequestOutcome.DONE:
        # Whatever would make the answer readable is no reason to do it twice.
        return UnreadableAnswer.advice
    if error.outcome is not RequestOutcome.UNKNOWN or sent is None:
        return error.advice
    again = "Do not simply call again, it could happen twice. First check whether it was done"
    if sent.idempotent:
        again = "Doing this twice has the same effect as once: it is safe to call again"
    elif sent.idempotency_key:
        again = (
            "Call again only with what sent_with holds, which makes a repetition harmless, or check whether it was done"
        )
    return f"{again}. {error.advice}" if foreign else f"{again}."


def _without(error: AllowanceExhausted, spec: ActionSpec | None) -> str:
    """What to leave out of the arguments, so that the narrower limit is not touched."""
    extra = spec.rate_limit.extra if spec and spec.rate_limit else []
    named = next((more for more in extra if more.bucket == error.allowance), None)
    return f"without {named.contains} in {named.argument}" if named else ""


def _or_kept(error: KlaviyoError) -> str:
    """The answer that could be had without another request."""
    since = _instant(error.kept_since)
    return f" Or leave out fresh: an answer of {since} is kept." if since else ""


def _specific(advices: Iterable[Advice | None]) -> str | None:
    return next((advice.says for advice in advices if advice is not None), None)


def _advices(code: str, spec: ActionSpec | None) -> list[Advice]:
    return [advice for advice in spec.advices if advice.code == code] if spec is not None else []


def _general(code: str, spec: ActionSpec | None) -> Advice | None:
    """The advice of a spec for every error of a code."""
    return next((one for one in _advices(code, spec) if one.pointer is None and one.detail is None), None)


def _looks_at(advice: Advice, error: KlaviyoError) -> bool:
    """Whether advice speaks of a pointer or of words, and a problem of the error has them."""
    if advice.pointer is None and advice.detail is None:
        return False
    return any(
        (advice.pointer or "").casefold() in problem.source.casefold()
        and (advice.detail or "").casefold() in f"{problem.title} {problem.detail}".casefold()
        for problem in error.problems
    )


def _instant(moment: datetime | None) -> str | None:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None
