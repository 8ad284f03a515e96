"""Clients: registered by themselves, by documents and by the operator, and how they prove who they are."""

import base64
import hmac
import json
import time
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from tests.authorization.driving import ISSUER, REDIRECT, App, Person, error_of

from klaviyo_mcp.authorization.client import clean_name
from klaviyo_mcp.authorization.client_documents import SLOTS
from klaviyo_mcp.authorization.clients import known_clients
from klaviyo_mcp.authorization.config import SCHEMES
from klaviyo_mcp.authorization.replies import ErrorPage, Redirect
from klaviyo_mcp.authorization.token_text import hashed

URL = "https://client.example/oauth/metadata.json"
KEYS_URL = "https://client.example/oauth/jwks.json"
CALLBACK = "https://client.example/callback"
DOCUMENT = {
    "client_id": URL,
    "client_name": "Example",
    "redirect_uris": [CALLBACK],
    "token_endpoint_auth_method": "none",
}

PAYLOADS = {
    "Claude": {
        "client_name": "Claude",
        "redirect_uris": ["https://claude.ai/api/mcp/auth_callback"],
        "grant_types": ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:jwt-bearer"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "scope": "claudeai",
    },
    "Claude Code": {
        "client_name": "Claude Code (klaviyo)",
        "redirect_uris": ["http://localhost:41221/callback"],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    },
    "ChatGPT": {
        "client_name": "ChatGPT",
        "redirect_uris": ["https://chatgpt.com/connector_platform_oauth_redirect"],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "client_secret_post",
    },
    "Cursor": {
        "client_name": "Cursor",
        "redirect_uris": [
            "cursor://anysphere.cursor-mcp/oauth/callback",
            "https://www.cursor.com/agents/mcp/oauth/callback",
            "http://localhost:8787/callback",
        ],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "application_type": "web",
    },
    "VS Code": {
        "client_name": "Visual Studio Code",
        "client_uri": "https://code.visualstudio.com",
        "redirect_uris": [
            "https://insiders.vscode.dev/redirect",
            "https://vscode.dev/redirect",
            "http://127.0.0.1/",
            "http://127.0.0.1:33418/",
        ],
        "grant_types": ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "application_type": "native",
    },
}


async def refused(service: Any, **asked: Any) -> tuple[int, str]:
    reply = await service.server.register(json.dumps(asked).encode())
    return reply.status, error_of(reply)


@pytest.mark.parametrize("name", PAYLOADS)
async def test_c19_what_well_known_clients_register_ends_in_tokens(service, name) -> None:
    payload = PAYLOADS[name]
    registered = await service.register(**payload)
    assert registered["redirect_uris"] == payload["redirect_uris"]
    assert registered["grant_types"] == ["authorization_code", "refresh_token"]
    assert "registration_client_uri" not in registered
    app = App(service, registered["client_id"], registered.get("client_secret"), payload["redirect_uris"][0])
    tokens = await app.tokens(scope=payload.get("scope"))
    assert (await app.refresh(tokens["refresh_token"])).status == 200


async def test_the_answer_has_the_addresses_that_are_accepted(service) -> None:
    registered = await service.register(redirect_uris=["http://evil.com/cb", REDIRECT, "windsurf://x/cb"])
    assert registered["redirect_uris"] == [REDIRECT]


@pytest.mark.parametrize(
    ("attack", "uris"),
    [("A3", ["javascript:alert(1)"]), ("A3", ["data:text/html,x"]), ("A4", ["http://evil.com/cb"]), ("", []),
     ("", "https://a.example/cb"), ("", [1]), ("", ["https://a.example/cb"] * 11)],
)  # fmt: skip
async def test_no_address_that_is_accepted(service, attack, uris) -> None:
    assert await refused(service, redirect_uris=uris) == (400, "invalid_redirect_uri")


@pytest.mark.parametrize(
    "asked",
    [{"grant_types": ["client_credentials"]}, {"response_types": ["token"]}, {"logo_uri": "javascript:alert(1)"},
     {"client_uri": "data:text/html,x"}, {"jwks_uri": "file:///etc/passwd"}, {"tos_uri": "https://" + "x" * 2_000}],
    ids=str,
)  # fmt: skip
async def test_what_else_is_refused(service, asked) -> None:
    assert await refused(service, redirect_uris=[REDIRECT], **asked) == (400, "invalid_client_metadata")


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b"[" * 10_000, b'{"a":"' + b"x" * 16_384 + b'"}'])
async def test_a_body_that_is_no_registration(service, body) -> None:
    reply = await service.server.register(body)
    assert (reply.status // 100, error_of(reply)) == (4, "invalid_client_metadata")


async def test_a_secret_is_given_where_one_is_asked_for_and_kept_as_a_hash(service, tmp_path) -> None:
    assert "client_secret" not in await service.register()
    registered = await service.register(token_endpoint_auth_method="client_secret_basic")
    assert registered["client_secret_expires_at"] == 0
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*.json"))
    assert registered["client_secret"].encode() not in kept
    assert b"127.0.0.1" not in kept, "all is sealed"


async def test_a_registration_lives_a_day_until_its_first_token_and_then_ninety_after_the_last(service) -> None:
    unused, used = await service.register(), App(service, (await service.register())["client_id"])
    tokens = await used.tokens()
    service.clock.pass_(86_401)
    assert isinstance(await service.server.authorize(App(service, unused["client_id"]).query()), ErrorPage)
    for _ in range(5):
        service.clock.pass_(28 * 86_400)
        tokens = (await used.refresh(tokens["refresh_token"])).body
    service.clock.pass_(91 * 86_400)
    assert isinstance(await service.server.authorize(used.query()), ErrorPage)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ('"><script>alert(1)</script>', '"><script>alert(1)</script>'), ("Clau\u202ede\u2066", "Claude"),
        ("a\nb\r\n\tc\x00", "a b c"), ("\u200b\u200d", "A client without a name"), ("x" * 10_240, "x" * 100),
        ("\ud800x", "x"), ("\ue000\U000f0000y", "y"), ("  Ünïcode 名前  ", "Ünïcode 名前"), ("a\u2028b", "a b"),
    ],
)  # fmt: skip
def test_a27_a_name_is_plain_text_of_a_bearable_length(name, shown) -> None:
    assert clean_name(name) == shown


async def test_c3_a_secret_proves_itself_in_either_way(service) -> None:
    registered = await service.register(token_endpoint_auth_method="client_secret_basic")
    secret = registered["client_secret"]
    app = App(service, registered["client_id"], secret)
    tokens = await app.tokens()
    refresh = ("refresh_token", tokens["refresh_token"])
    form = [("grant_type", "refresh_token"), refresh]

    def basic(user: str, password: str) -> dict[str, str]:
        return {"authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}

    good = basic(app.client_id, secret)
    assert (await service.server.token(form, good)).status == 200
    assert (await service.server.token([*form, ("client_id", app.client_id)], good)).status == 200
    wrong = await service.server.token(form, basic(app.client_id, "x"))
    assert (wrong.status, error_of(wrong)) == (401, "invalid_client")
    assert wrong.headers["WWW-Authenticate"].startswith("Basic")
    none = await service.server.token([*form, ("client_id", app.client_id)], {})
    assert (none.status, error_of(none)) == (401, "invalid_client")
    assert "WWW-Authenticate" not in none.headers
    for pairs, headers in (
        ([*form, ("client_id", "another")], good),
        ([*form, ("client_secret", secret)], good),
    ):
        assert error_of(await service.server.token(pairs, headers)) == "invalid_request"
    for header in ("Basic", "Basic !!", "Basic " + base64.b64encode(b"nocolon").decode()):
        assert (await service.server.token(form, {"authorization": header})).status == 401


async def test_a_public_client_that_sends_a_secret_is_refused_and_one_that_sends_none_in_basic_is_not(app) -> None:
    tokens = await app.tokens()
    app.secret = "x"
    assert error_of(await app.refresh(tokens["refresh_token"])) == "invalid_client"
    header = {"authorization": "Basic " + base64.b64encode(f"{app.client_id}:".encode()).decode()}
    form = [("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"])]
    assert (await app.service.server.token(form, header)).status == 200


async def test_the_operators_clients(service, vault) -> None:
    listed = [
        {"client_id": "desk", "client_name": "Desk", "client_secret": "s" * 40, "redirect_uris": [CALLBACK]},
        {"client_id": "kiosk", "redirect_uris": [REDIRECT]},
    ]
    ours = service.another(clients=json.dumps(listed))
    for app in (App(ours, "desk", "s" * 40, CALLBACK), App(ours, "kiosk")):
        assert await app.tokens()
    assert error_of(await App(ours, "desk", "wrong").refresh("kmr_x")) == "invalid_client"


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("[{}]", "client_id"), ("{}", "a list"), ("[1]", "a list"), ("[", "neither JSON"), ("/no/file", "neither JSON"),
        ('[{"client_id": "a"}]', "redirect_uris"), ('[{"client_id": "a", "redirect_uri": "x"}]', "no redirect_uri"),
        ('[{"client_id": "a", "redirect_uris": ["http://evil.com"]}]', "not accepted"),
        ('[{"client_id": "https://a.example/x", "redirect_uris": ["http://localhost"]}]', "client_id"),
        (json.dumps([{"client_id": "a", "redirect_uris": [REDIRECT]}] * 2), "twice"),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_told(setting, told) -> None:
    with pytest.raises(ValueError, match=told):
        known_clients(setting, SCHEMES)


def test_the_operators_clients_may_stand_in_a_file(tmp_path) -> None:
    path = tmp_path / "clients.json"
    path.write_text(json.dumps([{"client_id": "a", "redirect_uris": [REDIRECT]}]))
    assert known_clients(str(path), SCHEMES).keys() == {"a"}


# Documents.


@pytest.fixture
def by_document(service) -> App:
    service.documents.publish(URL, DOCUMENT)
    return App(service, URL, redirect_uri=CALLBACK)


async def test_a_client_with_a_document_needs_no_registration(service, by_document) -> None:
    page = await Person(service).sees(await service.server.authorize(by_document.query()))
    assert (page.client_name, page.client_domain, page.only_loopback) == ("Example", "client.example", False)
    tokens = await by_document.tokens()
    assert (await by_document.refresh(tokens["refresh_token"])).status == 200
    assert len(service.documents.asked) == 1, "it is kept"


@pytest.mark.parametrize(
    "change",
    [
        {"client_id": URL + "/"}, {"client_id": None}, {"client_name": ""}, {"client_name": 1}, {"redirect_uris": []},
        {"redirect_uris": ["http://evil.com/cb"]}, {"client_secret": "x"},
        {"token_endpoint_auth_method": "client_secret_basic"},
        {"jwks": {"keys": [{"kty": "RSA", "n": "x", "e": "AQAB", "d": "x"}]}},
        {"jwks": {"keys": [{"kty": "oct", "k": "x"}]}}, {"jwks": {}},
    ],
    ids=lambda change: f"A29 {change}",
)  # fmt: skip
async def test_a_document_that_is_not_accepted(service, by_document, change) -> None:
    service.documents.publish(URL, {**DOCUMENT, **change})
    shown = await service.server.authorize(by_document.query())
    assert isinstance(shown, ErrorPage)
    assert shown.status == 400
    service.documents.publish(URL, DOCUMENT)
    assert isinstance(await service.server.authorize(by_document.query()), ErrorPage), "for a minute"
    service.clock.pass_(61)
    assert isinstance(await service.server.authorize(by_document.query()), Redirect)


@pytest.mark.parametrize(
    "change",
    [
        {"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": KEYS_URL},
        {"token_endpoint_auth_method": "private_key_jwt"},
        {"token_endpoint_auth_method": None},
        {"token_endpoint_auth_method": "client_secret_post", "token_endpoint_auth_methods_supported": ["none"]},
    ],
    ids=str,
)
async def test_a_client_with_a_document_may_be_a_public_one_whatever_it_prefers(service, by_document, change) -> None:
    service.documents.publish(URL, {**DOCUMENT, **change})
    tokens = await by_document.tokens()
    assert (await by_document.refresh(tokens["refresh_token"])).status == 200


async def test_a30_other_addresses_in_the_document_count_from_the_next_fetch(service, by_document) -> None:
    person = Person(service)
    redirect = await person.answers(await person.sees(await service.server.authorize(by_document.query())))
    service.documents.publish(URL, {**DOCUMENT, "redirect_uris": ["https://client.example/new"]})
    service.clock.pass_(301)
    assert (await person.returns(person.at_klaviyo(redirect))).reason == "bad_redirect_uri"
    assert isinstance(await service.server.authorize(by_document.query()), ErrorPage)
    by_document.redirect_uri = "https://client.example/new"
    assert isinstance(await service.server.authorize(by_document.query()), Redirect)


async def test_the_last_good_copy_stands_in_for_a_day(service, by_document) -> None:
    tokens = await by_document.tokens()
    service.documents.publish(URL, {}, 503)
    service.clock.pass_(301)
    tokens = (await by_document.refresh(tokens["refresh_token"])).body
    service.clock.pass_(86_400)
    reply = await by_document.refresh(tokens["refresh_token"])
    assert (reply.status, error_of(reply)) == (503, "temporarily_unavailable")
    assert reply.headers["Retry-After"]
    service.documents.publish(URL, {}, 404)
    service.clock.pass_(61)
    assert error_of(await by_document.refresh(tokens["refresh_token"])) == "invalid_client"
    assert isinstance(await service.server.authorize(by_document.query()), ErrorPage)


async def test_pinned_copies_stand_in_for_well_known_clients_where_the_operator_wants_it(service) -> None:
    url = "https://claude.ai/oauth/claude-code-client-metadata"
    service.documents.publish(url, {}, 403)
    app = App(service, url, redirect_uri="http://localhost:4711/callback")
    page = await Person(service).sees(await service.server.authorize(app.query()))
    assert (page.client_name, page.only_loopback) == ("Claude Code", True)
    without = service.another(pinned=False)
    shown = await without.server.authorize(app.query())
    assert (shown.status, shown.reason) == (503, "client_away")


async def test_a_host_is_not_flooded(service) -> None:
    for number in range(30):
        await service.server.authorize(App(service, f"https://client.example/{number}").query())
    assert len(service.documents.asked) == 10
    service.documents.publish(URL, DOCUMENT)
    service.clock.pass_(61)
    assert isinstance(await service.server.authorize(App(service, URL, None, CALLBACK).query()), Redirect)


async def test_two_documents_in_one_slot_are_never_taken_for_each_other(service) -> None:
    slots: dict[int, str] = {}
    for number in range(10_000):
        url = f"https://client.example/{number}"
        first = slots.setdefault(int(hashed(url), 16) % SLOTS, url)
        if first != url:
            break
    for one in (first, url, first):
        service.documents.publish(one, {**DOCUMENT, "client_id": one, "client_name": one})
        page = await Person(service).sees(await service.server.authorize(App(service, one, None, CALLBACK).query()))
        assert page.client_name == one


# Assertions.

KEY = RSAKey.generate_key(2048, {"kid": "1"})
OTHER_KEY = RSAKey.generate_key(2048, {"kid": "1"})
CURVE = ECKey.generate_key("P-256", {"kid": "2"})


@pytest.fixture
def signing(service, by_document) -> App:
    change = {"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": KEYS_URL}
    service.documents.publish(URL, {**DOCUMENT, **change})
    service.documents.publish(KEYS_URL, {"keys": [KEY.as_dict(private=False), CURVE.as_dict(private=False)]})
    return by_document


def assertion(key: Any = KEY, alg: str = "RS256", header: dict[str, Any] | None = None, **changes: Any) -> str:
    now = int(time.time())
    claims = {"iss": URL, "sub": URL, "aud": ISSUER, "exp": now + 60, "iat": now, "jti": f"{time.time_ns()}", **changes}
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(header or {"alg": alg, "kid": key.kid}, claims, key, algorithms=[alg])


async def proven(app: App, token: str, signed: str, **changes: str | None) -> Any:
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    return await app.refresh(token, client_assertion=signed, client_assertion_type=kind, **changes)


@pytest.mark.parametrize("changes", [{}, {"aud": f"{ISSUER}/token"}, {"aud": [ISSUER, "https://x"]}], ids=str)
async def test_an_assertion_proves_a_client(signing, changes) -> None:
    tokens = await signing.tokens()
    first = await proven(signing, tokens["refresh_token"], assertion(**changes))
    assert first.status == 200
    second = await proven(signing, first.body["refresh_token"], assertion(CURVE, "ES256"), client_id=None)
    assert second.status == 200


def by_hand(alg: str, key: bytes | None) -> str:
    """What libraries refuse to make: unsigned, or signed with a public key as if it were a shared secret."""
    parts = ({"alg": alg}, {"iss": URL, "sub": URL, "aud": ISSUER, "exp": int(time.time()) + 60, "jti": "1"})
    signed = b".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts)
    signature = base64.urlsafe_b64encode(hmac.digest(key, signed, "sha256")).rstrip(b"=") if key else b""
    return b".".join([signed, signature]).decode()


WRONG = {
    "aud of another": lambda: assertion(aud="https://evil.com"),
    "aud with a slash more": lambda: assertion(aud="https://mcp.example.com//token"),
    "no aud": lambda: assertion(aud=None),
    "iss of another": lambda: assertion(iss="https://evil.com/x"),
    "sub of another": lambda: assertion(sub="https://evil.com/x"),
    "none": lambda: by_hand("none", None),
    "HS256 with the public key": lambda: by_hand("HS256", KEY.as_pem(private=False)),
    "another key": lambda: assertion(OTHER_KEY),
    "expired": lambda: assertion(exp=int(time.time()) - 120),
    "for a year": lambda: assertion(exp=int(time.time()) + 31_536_000),
    "no exp": lambda: assertion(exp=None),
    "not yet": lambda: assertion(nbf=int(time.time()) + 3_600),
    "no jti": lambda: assertion(jti=None),
    "rubbish": lambda: "a.b.c",
    "too long": lambda: "x" * 10_000,
}


@pytest.mark.parametrize("name", WRONG, ids=lambda name: f"A32 {name}")
async def test_an_assertion_that_proves_nothing(signing, name) -> None:
    tokens = await signing.tokens()
    reply = await proven(signing, tokens["refresh_token"], WRONG[name]())
    assert (reply.status, error_of(reply)) == (401, "invalid_client")
    assert (await proven(signing, tokens["refresh_token"], assertion())).status == 200


async def test_a32_an_assertion_is_good_once_on_all_instances(service, signing) -> None:
    tokens = await signing.tokens()
    signed = assertion()
    assert (await proven(signing, tokens["refresh_token"], signed)).status == 200
    elsewhere = App(service.another(), URL, redirect_uri=CALLBACK)
    assert error_of(await proven(elsewhere, tokens["refresh_token"], signed)) == "invalid_client"


async def test_a_new_key_is_found_once_the_kept_ones_are_a_minute_old(service, signing) -> None:
    tokens = await signing.tokens()
    tokens = (await proven(signing, tokens["refresh_token"], assertion())).body
    service.documents.publish(KEYS_URL, {"keys": [OTHER_KEY.as_dict(private=False)]})
    service.clock.pass_(61)
    fetched = len(service.documents.asked)
    assert (await proven(signing, tokens["refresh_token"], assertion(OTHER_KEY))).status == 200
    assert len(service.documents.asked) == fetched + 1


async def test_keys_that_cannot_be_fetched_are_no_refusal(service, signing) -> None:
    tokens = await signing.tokens()
    service.documents.publish(KEYS_URL, {}, 503)
    reply = await proven(signing, tokens["refresh_token"], assertion())
    assert (reply.status, error_of(reply)) == (503, "temporarily_unavailable")


async def test_a_client_that_registered_itself_has_no_assertions(app) -> None:
    tokens = await app.tokens()
    assert error_of(await proven(app, tokens["refresh_token"], assertion())) == "invalid_client"


async def test_a1_a_document_that_may_not_be_fetched_is_an_unknown_client(service) -> None:
    for url in ("https://127.0.0.1/x", "https://client.example:8443/x", "https://client.example/"):
        assert isinstance(await service.server.authorize(App(service, url).query()), ErrorPage)
    service.documents.addresses["client.example"] = ["10.0.0.1"]
    shown = await service.server.authorize(App(service, URL).query())
    assert isinstance(shown, ErrorPage)
    assert service.documents.asked == []
