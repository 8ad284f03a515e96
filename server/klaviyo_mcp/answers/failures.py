"""Any error of a call as an answer for an agent: what happened, whether anything was changed, and what to do next."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from klaviyo_mcp.actions.errors import ActionError, PreconditionFailed, ScopeMissing, Stopped, UnknownAction
from klaviyo_mcp.answers.shape import Answer
from klaviyo_mcp.klaviyo.errors import Conflict, KlaviyoError, PermissionDenied, RequestOutcome
from klaviyo_mcp.loose_json import JSON, mapping
from klaviyo_mcp.registry.holes import hole
from klaviyo_mcp.registry.model import ActionSpec, HttpRequest
from klaviyo_mcp.registry.registry import Registry

OUTCOMES = {
    RequestOutcome.NOT_SENT: "Nothing was sent to Klaviyo.",
    RequestOutcome.REFUSED: "Klaviyo refused the request; nothing was changed.",
    RequestOutcome.UNKNOWN: "The request was sent and it is not known whether Klaviyo carried it out.",
    RequestOutcome.DONE: "Klaviyo carried out the request.",
}


NOTHING_CHANGED = "Nothing was changed in Klaviyo."


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
    next_step = error.mend if isinstance(error, ScopeMissing) else error.advice
    if isinstance(error, UnknownAction):
        next_step = error.how_to_look
    return {
        "code": error.code,
        "message": error.message,
        "problems": [
            {key: value for key, value in (("argument", p.argument), ("problem", p.problem), ("fix", p.fix)) if value}
            for p in error.problems
        ],
        "outcome": NOTHING_CHANGED
        if isinstance(error, PreconditionFailed) and error.looked
        else OUTCOMES[RequestOutcome.NOT_SENT],
        "candidates": [asdict(found) for found in error.candidates] if isinstance(error, UnknownAction) else None,
        "scopes_needed": list(error.scopes) if isinstance(error, ScopeMissing) else None,
        "next_step": next_step,
    }


def _klaviyo(error: KlaviyoError, spec: ActionSpec | None) -> JSON:
    return {
        "code": error.code,
        "message": error.message,
        "status": error.status,
        "problems": [
            {
                key: value
                for key, value in (("argument", _argument(p.source, spec)), ("problem", p.detail or p.title))
                if value
            }
            for p in error.problems
        ]
        if any(_argument(problem.source, spec) for problem in error.problems)
        else [],
        "outcome": NOTHING_CHANGED
        if error.reading and error.outcome is RequestOutcome.UNKNOWN
        else OUTCOMES[error.outcome],
        "next_step": _advice(error, spec),
        "retry_at": _instant(error.retry_at),
        "duplicate_profile_id": error.duplicate_profile_id if isinstance(error, Conflict) else None,
        "scopes_needed": _scopes(error, spec),
        "request_id": error.request_id,
    }


def _scopes(error: KlaviyoError, spec: ActionSpec | None) -> list[str] | None:
    """What a 403 of Klaviyo's may lack. One from a proxy or firewall is not about scopes."""
    return spec.scopes if spec is not None and isinstance(error, PermissionDenied) and error.problems else None


def _advice(error: KlaviyoError, spec: ActionSpec | None) -> str:
    if error.reading and error.outcome in (RequestOutcome.UNKNOWN, RequestOutcome.DONE):
        return "Reading changes nothing: call again."
    if isinstance(error, PermissionDenied) and not error.problems:
        return "This answer is not Klaviyo's own: a proxy or firewall in between refuses the request. Ask who runs it."
    if spec is not None and error.code in spec.advice:
        return spec.advice[error.code]
    if error.outcome is not RequestOutcome.UNKNOWN or spec is None:
        return error.advice
    if spec.idempotent:
        return "Doing this twice has the same effect as once: it is safe to call again."
    check = f" with {spec.result.verify.action}" if spec.result.verify else ", by reading what it should have changed,"
    return f"Do not simply call again, it could happen twice. First check{check} whether it was done."


def _instant(moment: datetime | None) -> str | None:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def _argument(source: str, spec: ActionSpec | None) -> str:
    """The argument behind a place in the request, such as `/data/attributes/email` or `page_size`."""
    if spec is None or not isinstance(spec.request, HttpRequest) or not source:
        return ""
    if source in spec.properties:
        return source
    for key, part in spec.request.query.items():
        if key == source or key.replace("[", "_").rstrip("]") == source:
            return hole(part) or source
    value: Any = spec.request.body
    rest = [part for part in source.strip("/").split("/") if part]
    while rest and rest[0] in mapping(value):
        value = mapping(value)[rest.pop(0)]
    name = hole(value)
    return ".".join([name, *rest]) if name else ""
