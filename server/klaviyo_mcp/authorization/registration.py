"""Dynamic client registration (RFC 7591): what a client may say of itself, and what is kept of it.

What is not supported is left out of the answer instead of being refused, as clients list all that they know.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from secrets import token_hex, token_urlsafe

from klaviyo_mcp.authorization.client import GRANT_TYPES, SECRET_METHODS, UNNAMED, Client, clean_name, refreshes
from klaviyo_mcp.authorization.errors import OAuthProblem
from klaviyo_mcp.authorization.redirects import refusal
from klaviyo_mcp.authorization.token_text import hashed
from klaviyo_mcp.loose_json import JSON, is_list, is_object, items, text

LARGEST = 16_384
"""Bytes of a registration."""
MOST_URIS = 10
LINKS = ("client_uri", "logo_uri", "tos_uri", "policy_uri", "jwks_uri")
"""Echoed, and never fetched or shown."""
LONGEST_LINK = 2_000


@dataclass(frozen=True, slots=True)
class Registered:
    """A new client, and the document that it is answered with. The secret stands there, and nowhere else."""

    client: Client
    document: JSON = field(repr=False)


def registered(body: bytes, schemes: Collection[str], now: float) -> Registered:
    """The client that a registration asks for. Raises OAuthProblem."""
    asked = _asked(body)
    uris = _redirect_uris(asked, schemes)
    given = [text(grant_type) for grant_type in items(asked.get("grant_types"))]
    grant_types = [grant_type for grant_type in GRANT_TYPES if not given or grant_type in given]
    if "authorization_code" not in grant_types:
        raise _wrong("grant_types has to have authorization_code; refresh_token may stand beside it.")
    responses = asked.get("response_types")
    if items(responses) and "code" not in items(responses):
        raise _wrong("response_types has to have code.")
    method = text(asked.get("token_endpoint_auth_method"))
    method = method if method in SECRET_METHODS else "none"
    secret = token_urlsafe(32) if method in SECRET_METHODS else None
    client = Client(
        client_id=f"client_{token_hex(16)}",
        name=clean_name(text(asked.get("client_name"))),
        redirect_uris=uris,
        registration="dynamic",
        secret_hash=hashed(secret) if secret else None,
        refreshes=refreshes(given),
    )
    document: JSON = {
        "client_id": client.client_id,
        "client_id_issued_at": int(now),
        "redirect_uris": list(uris),
        "grant_types": grant_types,
        "response_types": ["code"],
        "token_endpoint_auth_method": method,
        **({"client_name": client.name} if client.name != UNNAMED else {}),
        **({"client_secret": secret, "client_secret_expires_at": 0} if secret else {}),
        **_echoed(asked),
    }
    return Registered(client, document)


def _asked(body: bytes) -> JSON:
    if len(body) > LARGEST:
        raise _wrong(f"A registration has at most {LARGEST:,} bytes.", 413)
    try:
        asked = json.loads(body.decode())
    except (ValueError, RecursionError):
        raise _wrong("The body is not JSON in UTF-8.") from None
    if not is_object(asked):
        raise _wrong("The body is not a JSON object.")
    return asked


def _redirect_uris(asked: JSON, schemes: Collection[str]) -> tuple[str, ...]:
    given = asked.get("redirect_uris")
    if not is_list(given) or not given or not all(isinstance(uri, str) for uri in given):
        raise OAuthProblem("invalid_redirect_uri", "redirect_uris has to be a list of one or more addresses.")
    if len(given) > MOST_URIS:
        raise OAuthProblem("invalid_redirect_uri", f"At most {MOST_URIS} redirect_uris can be registered.")
    reasons = {uri: refusal(uri, schemes) for uri in dict.fromkeys(map(text, given))}
    accepted = tuple(uri for uri, reason in reasons.items() if reason is None)
    if not accepted:
        raise OAuthProblem("invalid_redirect_uri", f"None is accepted; of the first: {next(iter(reasons.values()))}.")
    return accepted


def _echoed(asked: JSON) -> JSON:
    kept: JSON = {}
    for name in LINKS:
        link = text(asked.get(name))
        if link and (len(link) > LONGEST_LINK or not link.startswith(("https://", "http://"))):
            raise _wrong(f"{name} has to be an http or https address.")
        if link:
            kept[name] = link
    # Clients say web beside loopback addresses, so nothing depends on it.
    if asked.get("application_type") in ("web", "native"):
        kept["application_type"] = asked["application_type"]
    return kept


def _wrong(description: str, status: int = 400) -> OAuthProblem:
    return OAuthProblem("invalid_client_metadata", description, status)
