"""What a program catches: why a call did not do what was asked, and what became of it, as one tree.

KlaviyoToolkitError
├── ConfigurationError      options, settings or specs that cannot be used
├── FrameworkMissing        tools for a framework that is not installed; the message has the command that installs it
└── CallError               a call that failed: everything that an agent over MCP is told of it
    ├── InvalidCall         its name, arguments or circumstances are wrong; correct it and call again
    ├── NotAllowed          read-only, a policy, a missing scope, credentials, or a person said no
    ├── NotFound            what it is about is not there
    ├── TryLater            a limit, or Klaviyo is down: `retry_at`, where it is known
    └── OutcomeUnknown      it may have been carried out: look before it is made again
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from klaviyo_mcp.answers.fates import fate_of
from klaviyo_mcp.loose_json import mapping, objects
from klaviyo_mcp.runtime.answering import Response
from klaviyo_mcp.toolkit.plain import plain


class KlaviyoToolkitError(Exception):
    """Base of all that the toolkit raises by itself."""


class ConfigurationError(KlaviyoToolkitError):
    """Options, settings or specs that cannot be used; the message lists each with what to do."""


class FrameworkMissing(KlaviyoToolkitError, ImportError):
    """A framework that tools were asked for is not installed."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a call: where (`profiles[3].email`, empty for the call itself), what, and a fix."""

    argument: str
    problem: str
    fix: str = ""


class CallError(KlaviyoToolkitError):
    """A call that failed.

    `code` is a stable word for programs, `message` one sentence for people, `problems` each thing that is wrong,
    `advice` what to do next. `outcome` says in words, `sent` and `changed` for programs, whether anything was sent to
    Klaviyo and whether anything was changed there: None where it is not known (or, of `sent`, where at most reads
    were). `retry_at` (aware, UTC) is when a call can succeed, `status` the HTTP status of Klaviyo's answer,
    `request_id` what Klaviyo's support asks for, `call_id` what logs and traces name the call by. `text` is all of it
    as a model is told it, and `data` as JSON.
    """

    codes: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, response: Response) -> None:
        """`response` is the answer that says so."""
        super().__init__(response.text)
        error = plain(mapping(response.answer.data.get("error")))
        self.data: dict[str, Any] = error
        self.text = response.text
        self.code = str(error.get("code", "internal_error"))
        self.message = str(error.get("message", response.text))
        self.problems = tuple(
            Problem(one.get("argument", ""), one.get("problem", ""), one.get("fix", ""))
            for one in objects(error.get("problems"))
        )
        self.advice = str(error.get("next_step", ""))
        fate = fate_of(error)
        self.outcome, self.sent, self.changed = fate.says, fate.sent, fate.changed
        self.retry_at = datetime.fromisoformat(error["retry_at"]) if error.get("retry_at") else None
        self.status: int | None = error.get("status")
        self.request_id: str | None = error.get("request_id")
        self.call_id = response.call_id

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (type(self), self.args, self.__dict__)


def _again(kind: type[CallError], args: tuple[Any, ...], held: dict[str, Any]) -> CallError:
    """An error as it was before it was pickled."""
    error = kind.__new__(kind, *args)
    error.__dict__.update(held)
    return error


class InvalidCall(CallError):
    """The call is wrong: correct it by `problems` and `advice`, and call again."""

    codes = frozenset(
        (
            "account_needed",
            "address_too_long",
            "body_too_large",
            "conflict",
            "invalid_arguments",
            "invalid_request",
            "no_such_part",
            "payload_too_large",
            "precondition_failed",
            "unknown_account",
            "unknown_action",
            "unknown_answer",
            "unsendable",
            "wrong_confirmation",
            "wrong_tool",
        )
    )


class NotAllowed(CallError):
    """Calling again does not help: a person has to allow it first, or has said no."""

    codes = frozenset(
        (
            "authentication_failed",
            "declined",
            "no_account",
            "not_confirmed",
            "permission_denied",
            "policy",
            "read_only",
            "reconnect_needed",
            "scope_missing",
        )
    )


class NotFound(CallError):
    """What the call is about is not in the account."""

    codes = frozenset(("not_found",))


class TryLater(CallError):
    """Nothing is wrong with the call, but not now; `retry_at` says when, where that is known."""

    codes = frozenset(
        ("circuit_open", "confirmation_not_checked", "policy_not_checked", "quota_exhausted", "throttled")
    )


class OutcomeUnknown(CallError):
    """It may have been carried out, or not. `advice` says how to find out, or that a second time is safe."""


def error_of(response: Response) -> CallError:
    """The error that an answer tells."""
    error = CallError(response)
    if error.changed is None:
        return OutcomeUnknown(response)
    kinds = (InvalidCall, NotAllowed, NotFound, TryLater)
    return next((kind(response) for kind in kinds if error.code in kind.codes), error)
