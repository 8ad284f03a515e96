"""Which clients there are, by their ids, and how one proves at the token endpoint that it is this client."""

import base64
import binascii
import json
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from time import time
from typing import Any
from urllib.parse import unquote_plus

from klaviyo_mcp.authorization.client import Client, clean_name, refreshes
from klaviyo_mcp.authorization.client_documents import ClientDocuments
from klaviyo_mcp.authorization.errors import ClientAway, ClientRefused, OAuthProblem
from klaviyo_mcp.authorization.records import Records
from klaviyo_mcp.authorization.redirects import refusal
from klaviyo_mcp.authorization.registration import registered
from klaviyo_mcp.authorization.token_text import hashed, same
from klaviyo_mcp.loose_json import JSON, is_list, is_object, items, objects, text

UNUSED = 86_400.0
"""Seconds for which a registration is kept until it has led to a token."""
USED = 90 * 86_400.0
"""Seconds for which it is kept since its last token."""
TOUCH = 86_400.0
"""Seconds between two notes of its use."""
SETTING = "KLAVIYO_MCP_CLIENTS"
BASIC = {"WWW-Authenticate": 'Basic realm="klaviyo-mcp"'}
"""What a client that tried this way is answered with when it has failed (RFC 6749, section 5.2)."""


class Clients:
    """All clients: registered by themselves, by a document, or by the operator."""

    def __init__(
        self,
        records: Records,
        documents: ClientDocuments,
        schemes: Collection[str],
        *,
        known: Mapping[str, Client],
        audiences: Collection[str],
        clock: Callable[[], float] = time,
    ) -> None:
        """`known` are the operator's, by their ids. `audiences` are those of assertions."""
        self._records = records
        self._documents = documents
        self._schemes = schemes
        self._known = known
        self._audiences = audiences
        self._clock = clock

    async def find(self, client_id: str) -> Client:
        """The client with this id. Raises ClientRefused or ClientAway."""
        if client_id in self._known:
            return self._known[client_id]
        if client_id.startswith("https://"):
            return await self._documents.find(client_id)
        record = await self._records.get("client", hashed(client_id))
        if record is None:
            raise ClientRefused("No client has this client_id; it may have to register again.")
        return _client(record)

    async def register(self, body: bytes) -> JSON:
        """A new client. Returns the document about it. Raises OAuthProblem."""
        new = registered(body, self._schemes, self._clock())
        await self._keep(new.client, UNUSED)
        return new.document

    async def used(self, client: Client) -> None:
        """Note that a client has got a token, so that it is kept."""
        if client.registration == "dynamic":
            record = await self._records.get("client", hashed(client.client_id))
            if record is not None and self._clock() >= record["touched"] + TOUCH * bool(record["used"]):
                await self._keep(client, USED, used=True)

    async def authenticated(self, form: Mapping[str, str], headers: Mapping[str, str]) -> Client:
        """The client that makes a request to the token or revocation endpoint. `headers` have lower-case names.

        Raises OAuthProblem: invalid_client when it is not known or does not prove itself, temporarily_unavailable when
        its document or its keys cannot be fetched now.
        """
        basic = _basic(headers.get("authorization", ""))
        assertion, secret = form.get("client_assertion", ""), form.get("client_secret", "")
        if sum((basic is not None and bool(basic[1]), bool(secret), bool(assertion))) > 1:
            raise OAuthProblem("invalid_request", "The client proves itself in two ways; use one.")
        client_id = form.get("client_id", "")
        if basic is not None:
            if client_id and client_id != basic[0]:
                raise OAuthProblem("invalid_request", "client_id is another one than in the Authorization header.")
            client_id, secret = basic[0], basic[1] or secret
        try:
            return await self._proven(client_id, secret, form)
        except ClientRefused as error:
            raise OAuthProblem("invalid_client", str(error), 401, BASIC if basic is not None else None) from None
        except ClientAway as error:
            raise OAuthProblem("temporarily_unavailable", str(error), 503, {"Retry-After": "30"}) from None

    async def _proven(self, client_id: str, secret: str, form: Mapping[str, str]) -> Client:
        assertion = form.get("client_assertion", "")
        if assertion:
            from klaviyo_mcp.authorization.assertions import TYPE, Assertions, claimed_client  # 0.1 s, for few clients

            if form.get("client_assertion_type") != TYPE:
                raise ClientRefused(f"client_assertion_type has to be {TYPE}.")
            client = await self.find(client_id or claimed_client(assertion))
            if not client.asserts:
                raise ClientRefused("This client has no keys to prove itself with an assertion.")
            await Assertions(self._documents, self._records, self._audiences, self._clock).verify(client, assertion)
            return client
        if not client_id:
            raise ClientRefused("client_id is missing.")
        client = await self.find(client_id)
        if client.secret_hash is not None:
            if not same(hashed(secret), client.secret_hash):
                raise ClientRefused("The client secret is missing or wrong.")
        elif secret:
            raise ClientRefused("This client has no secret; it is a public one, which sends its client_id alone.")
        return client

    async def _keep(self, client: Client, life: float, *, used: bool = False) -> None:
        record = {
            "client_id": client.client_id,
            "name": client.name,
            "redirect_uris": list(client.redirect_uris),
            "secret_hash": client.secret_hash,
            "refreshes": client.refreshes,
            "touched": self._clock(),
            "used": used,
        }
        await self._records.put("client", hashed(client.client_id), record, life)


def known_clients(setting: str, schemes: Collection[str]) -> dict[str, Client]:
    """The operator's clients by id: a JSON list in the setting itself, or in the file that it names.

    Each has client_id, client_name and redirect_uris; client_secret and grant_types may be left out. Raises ValueError
    that says what is wrong with which, and quotes no secret.
    """
    source = setting.strip()
    if not source:
        return {}
    try:
        listed: Any = json.loads(source if source[0] in "[{" else Path(source).read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{SETTING} is neither JSON nor the path of a JSON file ({type(error).__name__}).") from None
    if not is_list(listed) or not all(is_object(one) for one in listed):
        raise ValueError(f"{SETTING} has to be a list of objects.")
    clients = [_known(number, one, schemes) for number, one in enumerate(objects(listed), 1)]
    if len({client.client_id for client in clients}) < len(clients):
        raise ValueError(f"{SETTING}: a client_id stands there twice.")
    return {client.client_id: client for client in clients}


def _known(number: int, given: JSON, schemes: Collection[str]) -> Client:
    where = f"{SETTING}, client {number}"
    unknown = given.keys() - {"client_id", "client_name", "client_secret", "redirect_uris", "grant_types"}
    client_id, secret = text(given.get("client_id")), text(given.get("client_secret"))
    uris = tuple(text(uri) for uri in items(given.get("redirect_uris")))
    if unknown:
        raise ValueError(f"{where}: there is no {', '.join(sorted(unknown))}.")
    if not client_id or client_id.startswith("https://"):
        raise ValueError(f"{where}: client_id has to be a word of yours.")
    if not uris:
        raise ValueError(f"{where}: redirect_uris is missing.")
    for uri in uris:
        if (reason := refusal(uri, schemes)) is not None:
            raise ValueError(f"{where}: {uri} is not accepted: {reason}.")
    return Client(
        client_id=client_id,
        name=clean_name(text(given.get("client_name")) or client_id),
        redirect_uris=uris,
        registration="settings",
        secret_hash=hashed(secret) if secret else None,
        refreshes=refreshes(items(given.get("grant_types"))),
    )


def _client(record: JSON) -> Client:
    return Client(
        client_id=record["client_id"],
        name=record["name"],
        redirect_uris=tuple(record["redirect_uris"]),
        registration="dynamic",
        secret_hash=record["secret_hash"],
        refreshes=record["refreshes"],
    )


def _basic(header: str) -> tuple[str, str] | None:
    """Client id and secret of an Authorization header; None when it is of another kind. Raises OAuthProblem."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client_id, colon, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        client_id = colon = secret = ""
    if not colon:
        raise OAuthProblem("invalid_client", "The Authorization header cannot be read.", 401, BASIC)
    return unquote_plus(client_id), unquote_plus(secret)
