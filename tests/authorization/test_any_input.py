"""Whatever a stranger sends: an answer or a page, never an exception, never a redirect to where nobody registered."""

import json
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.authorization.driving import ISSUER, OWN_SECRET, REDIRECT, REGISTRY, RESOURCE, Clock, Documents
from tests.authorization.in_memory import KEY, PAIR, InMemory, Parts
from tests.oauth_requests import challenge

from klaviyo_mcp.accounts.endpoint import Endpoint
from klaviyo_mcp.accounts.keys import VaultKeys
from klaviyo_mcp.accounts.records import Company, Secret
from klaviyo_mcp.accounts.vault import Vault
from klaviyo_mcp.authorization.config import AuthorizationConfig
from klaviyo_mcp.authorization.grants import Holder, Owner
from klaviyo_mcp.authorization.replies import ErrorPage, Redirect
from klaviyo_mcp.authorization.service import AuthorizationServer
from klaviyo_mcp.authorization.token_text import new_token
from klaviyo_mcp.authorization.upstream import subject

CLIENTS = [{"client_id": "kiosk", "redirect_uris": [REDIRECT, "https://a.example/cb"]}]
JUNK = st.text(st.characters(codec=None), max_size=30)


def server() -> AuthorizationServer:
    documents = Documents()
    config = AuthorizationConfig(
        ISSUER,
        (OWN_SECRET,),
        "app",
        Secret("s"),
        "http://127.0.0.1:9",
        "http://127.0.0.1:9",
        clients=json.dumps(CLIENTS),
    )
    return AuthorizationServer(
        config,
        Vault(InMemory(), VaultKeys(None, KEY)),
        Endpoint("http://127.0.0.1:9"),
        REGISTRY,
        clock=Clock(),
        resolver=documents.resolve,
        metadata_transport=documents,
    )


def pairs(**known: Any) -> Any:
    """Parameters with values that are right, nearly right, or junk; in any order, and sometimes twice."""
    one = st.sampled_from(sorted(known)).flatmap(
        lambda name: st.tuples(st.just(name), st.one_of(st.sampled_from(known[name]), JUNK))
    )
    right = st.just([(name, values[0]) for name, values in known.items()])
    return st.one_of(
        st.lists(one | st.tuples(JUNK, JUNK), max_size=12),
        st.tuples(right, st.lists(one, max_size=3)).map(lambda both: [*both[0], *both[1]]),
        st.tuples(right, st.lists(one, max_size=3)).map(lambda both: list(dict([*both[0], *both[1]]).items())),
    )


@settings(max_examples=60)
@given(
    pairs(
        client_id=["kiosk", "https://client.example/x", "client_" + "0" * 32],
        redirect_uri=[REDIRECT, "https://a.example/cb", "https://a.example/cb/../x", "javascript:x"],
        response_type=["code", "token"],
        code_challenge=[challenge("x" * 43), "short"],
        code_challenge_method=["S256", "plain"],
        state=["s", "\ud800", "&iss=x#"],
        scope=["klaviyo:read", "claudeai"],
        resource=[RESOURCE, "https://evil.com"],
    )
)
def test_a_request_for_authorization_never_leads_elsewhere(query) -> None:
    async def run() -> None:
        shown = await server().authorize(query)
        assert isinstance(shown, ErrorPage | Redirect)
        if isinstance(shown, Redirect):
            allowed = ("http://127.0.0.1:7777/callback?", "https://a.example/cb?", f"{ISSUER}/consent?t=")
            assert shown.location.startswith(allowed)
            assert shown.location.isascii()
            assert shown.location.isprintable()
            if "/consent?" not in shown.location:
                assert shown.location.count("iss=") == 1

    anyio.run(run)


@settings(max_examples=60)
@given(
    pairs(
        grant_type=["authorization_code", "refresh_token", "password"],
        client_id=["kiosk", "https://client.example/x"],
        client_secret=["", "x"],
        client_assertion=["", "a.b.c", "e30.e30.e30"],
        client_assertion_type=["urn:ietf:params:oauth:client-assertion-type:jwt-bearer", "x"],
        code=[new_token("kmc"), new_token("kma")],
        code_verifier=["x" * 43, "x"],
        refresh_token=[new_token("kmr"), "x" * 10_000],
        redirect_uri=[REDIRECT],
        resource=[RESOURCE, "https://evil.com"],
        scope=["klaviyo:read"],
        token=[new_token("kmr"), new_token("kma")],
    ),
    st.one_of(
        st.just(""), st.just("Basic a2lvc2s6"), st.just("Bearer x"), JUNK, JUNK.map(lambda text: f"Basic {text}")
    ),
)
def test_a_request_for_tokens_is_refused_in_words_of_oauth(form, authorization) -> None:
    async def run() -> None:
        one = server()
        for reply in (
            await one.token(form, {"authorization": authorization}),
            await one.revoke(form, {"authorization": authorization}),
        ):
            assert reply.status in (200, 400, 401, 503)
            assert json.dumps(reply.body)
            assert reply.headers["Cache-Control"] == "no-store"

    anyio.run(run)


WORDS = st.sampled_from(["redirect_uris", "client_name", "grant_types", "response_types", "logo_uri", "jwks"])
DOCUMENTS = st.recursive(
    JUNK | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(WORDS, inner), max_leaves=12
)


@given(st.binary(max_size=200) | DOCUMENTS.map(lambda value: json.dumps(value).encode()))
def test_a_registration_is_taken_or_refused_in_words_of_oauth(body) -> None:
    async def run() -> None:
        reply = await server().register(body)
        assert reply.status in (201, 400)
        assert reply.body is not None
        assert reply.status == 201 or reply.body["error"] in ("invalid_client_metadata", "invalid_redirect_uri")

    anyio.run(run)


@given(pairs(state=["x"], code=["x"], error=["access_denied"]), st.dictionaries(JUNK, JUNK, max_size=3))
def test_an_answer_that_is_not_klaviyos_is_a_page(query, cookies) -> None:
    async def run() -> None:
        one = server()
        assert isinstance(await one.callback(query, cookies), ErrorPage)
        assert isinstance(await one.consent_given(query, cookies), ErrorPage)
        assert isinstance(await one.consent_shown("".join(value for _, value in query), cookies), ErrorPage)
        assert await one.session({**cookies, "__Host-kms": "".join(cookies)}) is None

    anyio.run(run)


@given(JUNK)
def test_any_text_may_come_as_a_token_of_klaviyos(token) -> None:
    assert subject(Secret(token)) is None or isinstance(subject(Secret(token)), str)


@pytest.mark.parametrize(
    ("token", "user"),
    [("e30.eyJzdWIiOiAidXNlci0xIn0.x", "user-1"), ("e30.e30.x", None), ("opaque", None), ("a.b", None)],
)
def test_the_user_of_a_token_that_names_one(token, user) -> None:
    assert subject(Secret(token)) == user


async def test_users_of_one_company_see_their_own_grants_where_the_app_is_installed_by_user() -> None:
    for app_scope, seen in (("user", 1), ("company", 2)):
        parts = Parts(app_scope=app_scope)
        for user in ("ann", "ben"):
            await parts.grants.begin(PAIR, Company("ABC123"), user, Holder("client", "A"), "klaviyo:read", 900)
        assert len(await parts.grants.of(Owner("ABC123", "ann" if app_scope == "user" else None))) == seen
