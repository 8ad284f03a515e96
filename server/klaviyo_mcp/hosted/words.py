"""What errors say where nobody at the other end has a command line: what to do at the client, or on our page."""

from dataclasses import replace

from klaviyo_mcp.answers.shape import Answer
from klaviyo_mcp.answers.text import error_text
from klaviyo_mcp.loose_json import mapping
from klaviyo_mcp.runtime.answering import Response

RECONNECT = frozenset({"reconnect_needed", "no_account", "unknown_account"})
"""Errors that a new consent mends: Klaviyo, or we, do not accept the connection any more."""
AGAIN = frozenset(
    {"corrupt_record", "vault_problem", "vault_unavailable", "vault_read_only", "vault_key_missing", "other_server"}
)
"""Errors that the operator mends: to the one who calls, all of them say the same."""
OPERATOR = frozenset(
    {"authentication_failed", "token_refresh_failed", "network_setting_wrong", "certificate_refused", "proxy_refused"}
    | {"foreign_answer", "redirected", "confirmation_not_checked"}
)
"""Errors whose advice is for who runs the server: a token that is refused though it is fresh is seen in outages."""
MORE_ACCESS = frozenset({"scope_missing"})
CHALLENGE = "mcp/www_authenticate"
"""The key, in `_meta` of an error, of challenges that some clients act on."""


def in_hosted_words(response: Response, manage_url: str, *, again: bool = False, challenge: str = "") -> Response:
    """An error in words that hold for the hosted service; anything else as it is.

    `again` says that the connection works again by now, `challenge` is for clients that can ask for consent by it.
    """
    error = mapping(response.answer.data.get("error")) if response.is_error else {}
    code = error.get("code")
    if code in RECONNECT and again:
        changed = {
            "message": "Klaviyo had ended this connection; it works again, by another consent of the same company.",
            "next_step": "Call again.",
        }
    elif code in RECONNECT:
        changed = {
            "message": "Klaviyo does not accept this connection any more: the app was removed there, or access ended.",
            "next_step": "Tell the user to connect again: remove this server in their client and add it anew, or see "
            f"{manage_url}. Calling again before that cannot succeed.",
        }
    elif code in AGAIN:
        changed = {
            "message": "This service cannot look up the connection just now.",
            "next_step": "Call again in a minute; if it stays so, tell the user that the service has trouble.",
        }
    elif code in MORE_ACCESS:
        changed = {
            "next_step": "Tell the user: the connection was made with less access than this needs. They connect again "
            f"in their client, at a higher level where the message names one, or see {manage_url}. If this is said "
            "again after that, the service does not ask Klaviyo for it, and only its operator can change that."
        }
    elif code in OPERATOR:
        changed = {
            "next_step": "Wait a minute and call again; look first whether a write was carried out. If it stays so, "
            "tell the user that the service or Klaviyo has trouble."
        }
    else:
        return response
    told = {**error, **changed}
    answer = Answer({**response.answer.data, "error": told}, str(told["message"]))
    meta = {CHALLENGE: [challenge]} if challenge and not again and code in RECONNECT | MORE_ACCESS else {}
    return replace(response, answer=answer, text=error_text(answer), meta={**response.meta, **meta})
