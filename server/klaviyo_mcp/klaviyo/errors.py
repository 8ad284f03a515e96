"""What can go wrong on the way to Klaviyo and back, as one tree. Every error says whether anything was changed.

"Refused" and "carried out" are said of Klaviyo's own answers alone, as `proof` has it.

KlaviyoError
├── NotSent                     nothing left this machine
│   ├── BodyTooLarge            over Klaviyo's 5 MB
│   ├── QuotaExhausted          our own pacing would have to wait longer than a call may
│   │   └── AllowanceExhausted  for something the call asks for beside, which has a limit of its own
│   ├── DeadlinePassed          the call had used up its time before this request's turn
│   ├── CircuitOpen             Klaviyo has failed so often in a row that it is left alone for a while
│   ├── CompanyIdMissing        a /client request without the account's public key
│   ├── AddressTooLong          over what is taken as the address of a request
│   ├── Unsendable              what cannot be written as an HTTP request
│   ├── NetworkSettingWrong     the environment names a proxy or certificates that cannot be used
│   ├── ConnectionFailed        no connection: name, refusal, TLS, connect or pool timeout
│   │   ├── CertificateRefused  a certificate that is not trusted
│   │   └── ProxyRefused        a proxy that lets nothing through
│   └── StoppedBefore           this process had to end first
├── SentInPart                  the connection broke before the body had left: nothing can have come of it
├── OutcomeUnknown              sent, and no usable answer: it may have been carried out
│   ├── AnswerTimeout           no whole answer came in time
│   ├── ConnectionLost          reset or broken protocol after sending began
│   ├── StoppedWhile            this process had to end before the answer came
│   ├── ServerError             500, 502, 503, 504, 52x
│   └── ForeignAnswer           an answer that is not provably Klaviyo's: a proxy's, a firewall's, a login page
│       └── Redirected          3xx: the base URL is not Klaviyo's
├── Refused                     Klaviyo answered no; nothing was changed
│   ├── InvalidRequest          400, and 4xx that have no class of their own
│   ├── AuthenticationFailed    401
│   │   └── FreshTokenRefused   401 to a token that was renewed a moment ago
│   ├── PermissionDenied        403; `about` tells a permission from a limit and from one record
│   ├── NotFound                404
│   ├── MethodNotAllowed        405
│   ├── Conflict                409; `duplicate_profile_id` where Klaviyo names it
│   ├── RevisionRetired         410
│   ├── PayloadTooLarge         413
│   ├── UnsupportedMediaType    415
│   └── Throttled               429 that asks for a longer wait than a call may take; `retry_at`
└── UnreadableAnswer            carried out (Klaviyo's own 2xx), but the body is not what Klaviyo documents
    └── AnswerTooLarge          more of it than is kept
"""

from datetime import datetime
from enum import Enum
from typing import Any, ClassVar

from klaviyo_mcp.klaviyo.problems import About, ApiProblem, about


class RequestOutcome(Enum):
    """What became of the request that failed."""

    NOT_SENT = "not_sent"
    SENT_IN_PART = "sent_in_part"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    DONE = "done"


class KlaviyoError(Exception):
    """Base of all errors of talking to Klaviyo.

    `code` is a stable word for programs, `message` one sentence for people, `advice` what to do next (that of its class
    where none is given), `outcome` whether the request may have been carried out, `reading` whether that request only
    read, `looked` whether its call had asked Klaviyo for anything before, `retry_at` when trying again can succeed
    (aware, UTC) where that is known. `asked` is the action that sent the request, and its arguments. `attempts` is how
    often it was sent, `before` what became of those before the last.
    """

    code: ClassVar[str] = "klaviyo_error"
    outcome: RequestOutcome = RequestOutcome.UNKNOWN
    advice: str = ""

    def __init__(
        self,
        message: str,
        advice: str | None = None,
        *,
        status: int | None = None,
        problems: tuple[ApiProblem, ...] = (),
        retry_at: datetime | None = None,
        request_id: str | None = None,
        meta: dict[str, Any] | None = None,
    ) -> None:
        """`status` is the HTTP status, `request_id` what Klaviyo's support asks for, `meta` the first problem's."""
        super().__init__(message)
        self.message = message
        if advice is not None:
            self.advice = advice
        self.status = status
        self.problems = problems
        self.retry_at = retry_at
        self.request_id = request_id
        self.meta = meta or {}
        self.reading = False
        self.looked = False
        self.kept_since: datetime | None = None
        self.asked: tuple[str, dict[str, Any]] | None = None
        self.attempts = 1
        self.before: tuple[str, ...] = ()


class NotSent(KlaviyoError):
    """Nothing left this machine."""

    code = "not_sent"
    outcome = RequestOutcome.NOT_SENT


class BodyTooLarge(NotSent):
    """The body is over Klaviyo's limit of 5 MB."""

    code = "body_too_large"
    advice = "Split the work into several calls with fewer items each."


class QuotaExhausted(NotSent):
    """Klaviyo's rate limit for this operation is used up for longer than a call may wait."""

    code = "quota_exhausted"
    advice = (
        "Call again at or after retry_at. Every other action has a quota of its own and can be used meanwhile, and one "
        "call that asks for more (a larger page, several ids, a wider filter) often does for many."
    )


class AllowanceExhausted(QuotaExhausted):
    """What is used up is the narrower limit of something that the call asks for beside; other actions share it."""

    advice = (
        "Call again at or after retry_at, or now without what the message names as used up: it has this limit of its "
        "own, and the rest of the answer does not need it."
    )

    def __init__(self, message: str, *, allowance: str, retry_at: datetime | None = None) -> None:
        """`allowance` is the name of the bucket."""
        super().__init__(message, retry_at=retry_at)
        self.allowance = allowance


class DeadlinePassed(NotSent):
    """The call had used up its time before this request could be sent."""

    code = "call_timeout"
    advice = "Ask for less in one call: fewer records, or fewer items."


class CircuitOpen(NotSent):
    """Klaviyo has failed so often in a row that requests are held back until a probe of one succeeds."""

    code = "circuit_open"
    advice = (
        "Call again at or after retry_at. Other calls to this account are held back, too; nothing is wrong with them."
    )


class CompanyIdMissing(NotSent):
    """A /client request needs the account's public key, and none is known."""

    code = "company_id_missing"
    advice = "Set KLAVIYO_COMPANY_ID to the account's public API key (get_accounts returns it as public_api_key)."


class AddressTooLong(NotSent):
    """The path and query of the request are longer than what lies on the way to Klaviyo can be trusted to take."""

    code = "address_too_long"
    advice = "Send fewer or shorter values: those of filters, lists and ids stand in the address."


class Unsendable(NotSent):
    """The request cannot be written as HTTP."""

    code = "unsendable"
    advice = "Look for characters in ids and texts that no id has; if there are none, report this fault."


class NetworkSettingWrong(NotSent):
    """The environment names a proxy, or certificates, that cannot be used."""

    code = "network_setting_wrong"
    advice = "A person has to correct or unset it where klaviyo-mcp is configured, and start klaviyo-mcp again."


class StoppedBefore(NotSent):
    """This process had to end before the request was sent."""

    code = "server_stopped"
    advice = "Call again when klaviyo-mcp runs again."


class ConnectionFailed(NotSent):
    """No connection to Klaviyo could be made."""

    code = "connection_failed"
    advice = "Check the network and KLAVIYO_BASE_URL; calling again is safe, nothing was sent."


class CertificateRefused(ConnectionFailed):
    """The certificate of the server, or of the proxy on the way, is not trusted."""

    code = "certificate_refused"


class ProxyRefused(ConnectionFailed):
    """A proxy does not let the request through."""

    code = "proxy_refused"


class SentInPart(KlaviyoError):
    """The connection broke before the whole body had left. A request that is not whole is not carried out."""

    code = "sent_in_part"
    outcome = RequestOutcome.SENT_IN_PART
    advice = "Calling again is safe: what has arrived of the request is of no use to Klaviyo."


class OutcomeUnknown(KlaviyoError):
    """The request was sent and no usable answer came: it may have been carried out."""

    code = "outcome_unknown"


class AnswerTimeout(OutcomeUnknown):
    """Klaviyo did not answer in time, or not to the end."""

    code = "answer_timeout"


class ConnectionLost(OutcomeUnknown):
    """The connection broke after sending had begun."""

    code = "connection_lost"


class StoppedWhile(OutcomeUnknown):
    """This process had to end before an answer came."""

    code = "server_stopped"


class ServerError(OutcomeUnknown):
    """Klaviyo failed while it worked on the request."""

    code = "server_error"


class ForeignAnswer(OutcomeUnknown):
    """An answer that does not show that it is Klaviyo's, whatever its status."""

    code = "foreign_answer"
    advice = (
        "Something between here and Klaviyo has answered: a proxy, a firewall, or a network's page for logging in. A "
        "person has to look at the network, at KLAVIYO_BASE_URL (normally https://a.klaviyo.com) and at what "
        "'klaviyo-mcp doctor' says."
    )


class Redirected(ForeignAnswer):
    """3xx: something other than Klaviyo's API answers at the base URL. Credentials are never sent on."""

    code = "redirected"
    advice = "A person has to check KLAVIYO_BASE_URL (normally https://a.klaviyo.com) and the network."


class Refused(KlaviyoError):
    """Klaviyo refused the request; nothing was changed."""

    code = "refused"
    outcome = RequestOutcome.REFUSED


class InvalidRequest(Refused):
    """400: Klaviyo does not accept the request as it is."""

    code = "invalid_request"
    advice = "Correct what Klaviyo names and call again."


class AuthenticationFailed(Refused):
    """401: the API key or token is missing, wrong or revoked."""

    code = "authentication_failed"
    advice = (
        "A person has to set KLAVIYO_API_KEY to a working private key (it starts with pk_), or connect the account "
        "again with 'klaviyo-mcp connect'. 'klaviyo-mcp doctor' tells what is wrong."
    )


class FreshTokenRefused(AuthenticationFailed):
    """401 to an OAuth token that was renewed a moment ago: seen in outages, and no reason to connect again."""

    advice = (
        "The token was renewed a moment ago, so it is not the reason, and a new consent would not help: this happens "
        "in outages at Klaviyo. Wait a minute and call again; if it goes on for long, a person can run "
        "'klaviyo-mcp doctor'."
    )


class PermissionDenied(Refused):
    """403: the credentials lack a scope, the account lacks a feature, or something has its limit."""

    code = "permission_denied"
    advice = (
        "If the API key lacks the scope, a person has to connect one that has it, as the scopes of a key cannot be "
        "changed. If the account lacks a feature, a person has to turn it on in Klaviyo."
    )

    @property
    def about(self) -> About:
        """What was refused, by Klaviyo's words."""
        return about(self.problems)


class NotFound(Refused):
    """404: no such record."""

    code = "not_found"
    advice = "Check the id; look it up with the matching list or search action."


class MethodNotAllowed(Refused):
    """405: the operation does not exist at this revision."""

    code = "method_not_allowed"
    advice = "This is a fault of the action's spec; use another action and report it."


class Conflict(Refused):
    """409: the record exists already, or is in use."""

    code = "conflict"
    advice = "Look at the existing record and update it instead."

    @property
    def duplicate_profile_id(self) -> str | None:
        """The id of the profile that already has these identifiers, where Klaviyo names it."""
        found = self.meta.get("duplicate_profile_id")
        return found if isinstance(found, str) else None


class RevisionRetired(Refused):
    """410: the API revision that the action is written for is gone."""

    code = "revision_retired"
    advice = "Tell the user: whoever runs this server has to update klaviyo-mcp. Until then this action cannot succeed."


class PayloadTooLarge(Refused):
    """413: the body is too large for Klaviyo."""

    code = "payload_too_large"
    advice = "Split the work into several calls with fewer items each."


class UnsupportedMediaType(Refused):
    """415: the content type is not accepted."""

    code = "unsupported_media_type"
    advice = "This is a fault of the action's spec; report it."


class Throttled(Refused):
    """429: Klaviyo asks for a longer wait than a call may take."""

    code = "throttled"
    advice = "Call again at or after retry_at; earlier attempts are refused again."


class UnreadableAnswer(KlaviyoError):
    """The request was carried out (2xx), but its answer cannot be read."""

    code = "unreadable_answer"
    outcome = RequestOutcome.DONE
    advice = "It is done: do not call it again, read the record to see its state."


class AnswerTooLarge(UnreadableAnswer):
    """The request was carried out (2xx), and its answer is larger than KLAVIYO_MCP_MAX_ANSWER."""

    advice = (
        "Ask for less (fewer fields, no related records, smaller pages), or have a person raise KLAVIYO_MCP_MAX_ANSWER."
    )


BY_STATUS: dict[int, type[Refused]] = {
    401: AuthenticationFailed,
    403: PermissionDenied,
    404: NotFound,
    405: MethodNotAllowed,
    409: Conflict,
    410: RevisionRetired,
    413: PayloadTooLarge,
    415: UnsupportedMediaType,
    429: Throttled,
}
"""The class for each status of Klaviyo's own that has one; other 4xx are InvalidRequest."""
