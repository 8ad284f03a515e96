"""Any error of a call as an answer for an agent: what happened, whether anything was changed, and what to do next."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime

from klaviyo_mcp.actions.errors import (
    ActionError,
    PartMissing,
    PreconditionFailed,
    Problem,
    ScopeMissing,
    Stopped,
    UnknownAction,
)
from klaviyo_mcp.actions.grouping import grouped
from klaviyo_mcp.answers.pointers import argument_at
from klaviyo_mcp.answers.shape import Answer
from klaviyo_mcp.klaviyo.errors import (
    AllowanceExhausted,
    ApiProblem,
    Conflict,
    KlaviyoError,
    PermissionDenied,
    RequestOutcome,
)
from klaviyo_mcp.klaviyo.words import one_line
from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.registry.model import ActionSpec
from klaviyo_mcp.registry.notes import Advice
from klaviyo_mcp.registry.registry import Registry

OUTCOMES = {
    RequestOutcome.NOT_SENT: "Nothing was sent to Klaviyo.",
    RequestOutcome.REFUSED: "Klaviyo refused the request; nothing was changed.",
    RequestOutcome.UNKNOWN: "The request was sent and it is not known whether Klaviyo carried it out.",
    RequestOutcome.DONE: "Klaviyo carried out the request.",
}


NOTHING_CHANGED = "Nothing was changed in Klaviyo."
MOST_PROBLEMS = 20
LONGEST_PLACE = 200
LIMIT_ADVICE = (
    "Klaviyo names a limit here, not a missing permission: no other key and no other scope would help. Wait until "
    "it is free again (a daily limit within 24 hours), or use fewer of what is limited."
)
PROXY_ADVICE = "This answer is not Klaviyo's own: a proxy or firewall in between refuses the request. Ask who runs it."


def explain(error: ActionError | KlaviyoError, name: str, registry: Registry) -> Answer:
    """The answer to give for an error of calling the action `name`."""
    details = _details(error, action.spec if (action := registry.get(name)) else None)
    details = {key: value for key, value in details.items() if value not in (None, "", [], {})}
    details.setdefault("message", f"Klaviyo answered {details.get('status', 'an error')} without saying why.")
    return Answer({"error": details}, str(details["message"]))


def _details(error: ActionError | KlaviyoError, spec: ActionSpec | None) -> JSON:
    return _klaviyo(error, spec) if isinstance(error, KlaviyoError) else _action(error, spec)


def _action(error: ActionError, spec: ActionSpec | None) -> JSON:
    if isinstance(error, Stopped):
        return {
            **_details(error.cause, spec),
            "code": error.code,
            "message": error.message,
            "outcome": "Some of the work had been done before this; see done_so_far.",
            "done_so_far": error.done,
            "next_step": (
                "Call again with the same arguments: what was done is found and not done twice."
                if spec is not None and spec.idempotent
                else "Look at done_so_far before you call again, so that nothing is done twice."
            ),
        }
    next_step = _mend(error, spec) if isinstance(error, ScopeMissing) else error.advice
    if isinstance(error, UnknownAction):
        next_step = error.how_to_look
    return {
        "code": error.code,
        "message": error.message,
        "problems": _shown(error.problems),
        "outcome": NOTHING_CHANGED
        if isinstance(error, PreconditionFailed | PartMissing) and error.looked
        else OUTCOMES[RequestOutcome.NOT_SENT],
        "candidates": [asdict(found) for found in error.candidates] if isinstance(error, UnknownAction) else None,
        "scopes_needed": list(error.scopes) if isinstance(error, ScopeMissing) else None,
        "next_step": next_step,
    }


def _mend(error: ScopeMissing, spec: ActionSpec | None) -> str:
    """What helps where Klaviyo has refused an action before: without a scope named, the action's own advice knows."""
    advice = _specific([_general("permission_denied", spec)]) if not error.scopes else None
    return f"{advice} {error.mend}" if advice else error.mend


def _klaviyo(error: KlaviyoError, spec: ActionSpec | None) -> JSON:
    problems = [Problem(argument_at(found.source, spec), _quoted(found)) for found in error.problems]
    return {
        "code": error.code,
        "message": _message(error),
        "status": error.status,
        "problems": _shown(grouped(problems)),
        "outcome": NOTHING_CHANGED
        if error.reading and error.outcome is RequestOutcome.UNKNOWN
        else OUTCOMES[error.outcome],
        "next_step": _advice(error, spec) + _or_kept(error),
        "retry_at": _instant(error.retry_at),
        "duplicate_profile_id": one_line(error.duplicate_profile_id or "", 100)
        if isinstance(error, Conflict)
        else None,
        "scopes_needed": _scopes(error, spec),
        "request_id": error.request_id,
    }


def _shown(problems: tuple[Problem, ...]) -> list[JSON]:
    return [
        {key: value for key, value in (("argument", _place(p)), ("problem", p.problem), ("fix", p.fix)) if value}
        for p in problems
    ]


def _place(problem: Problem) -> str:
    """The argument in question. Names in it may be anyone's, of any length and with any character."""
    return one_line(problem.argument, LONGEST_PLACE)


def _message(error: KlaviyoError) -> str:
    """One sentence. Klaviyo's own words stand in quotes, as they may say anything."""
    match error.problems:
        case ():
            return error.message
        case (problem,):
            return f"Klaviyo answered {error.status}: {_quoted(problem)}"
        case problems:
            return f"Klaviyo answered {error.status} with {len(problems)} problems."


def _quoted(problem: ApiProblem) -> str:
    """Klaviyo's words about a problem, in quotes, and the place it names."""
    words = one_line(problem.detail or problem.title or problem.code or "no reason given").replace('"', "'")
    place = one_line(problem.source, 200)
    return f'"{words}"' + (f" ({place})" if place not in ("", "/data", "/data/") else "")


def _scopes(error: KlaviyoError, spec: ActionSpec | None) -> list[str] | None:
    """What a 403 may lack. One that names a limit, or is a proxy's, is not about scopes."""
    denied = isinstance(error, PermissionDenied) and error.about not in ("limit", "proxy")
    return spec.scopes if spec is not None and denied else None


def _advice(error: KlaviyoError, spec: ActionSpec | None) -> str:
    if error.reading and error.outcome in (RequestOutcome.UNKNOWN, RequestOutcome.DONE):
        return "Reading changes nothing: call again."
    if isinstance(error, PermissionDenied) and error.about == "proxy":
        return PROXY_ADVICE
    if specific := _specific(advice for advice in _advices(error.code, spec) if _looks_at(advice, error)):
        return specific
    if isinstance(error, PermissionDenied) and error.about == "limit":
        return LIMIT_ADVICE
    if isinstance(error, AllowanceExhausted) and (without := _without(error, spec)):
        return f"Call again at or after retry_at, or now {without}: that has this narrower limit of its own."
    if general := _general(error.code, spec):
        return general.says
    if error.outcome is not RequestOutcome.UNKNOWN or spec is None:
        return error.advice
    if spec.idempotent:
        return "Doing this twice has the same effect as once: it is safe to call again."
    looks = spec.result.verifications
    check = f" with {looks[0].action}" if looks else ", by reading what it should have changed,"
    return f"Do not simply call again, it could happen twice. First check{check} whether it was done."


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
