"""What the hosted service publishes and answers, held against the specifications, by the numbers of the checks."""

import base64
import json
import re
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.hosted.driving import App, Browser, client, latest, logged, new_app, parameters, register
from tests.oauth_requests import challenge

from klaviyo_sandbox.facts import FACTS, REVISIONS

SERVER = ("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration")
RESOURCE = ("/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource")
PAYLOADS: dict[str, Any] = json.loads((Path(__file__).parent / "registrations.json").read_text("utf-8"))
PAGE = "https://app.example.org"
LOCAL = "http://localhost:6274"


def document(url: str, path: str) -> dict[str, Any]:
    with client() as http:
        answer = http.get(f"{url}{path}", headers={"Origin": PAGE})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "public, max-age=300"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers
    return answer.json()


def test_c10_the_issuer_is_the_same_text_everywhere_and_there_once(app: App, browser: Browser, url: str) -> None:
    for path in SERVER:
        assert document(url, path)["issuer"] == url
    for path in RESOURCE:
        assert document(url, path)["authorization_servers"] == [url]
    assert browser.answered(app.query())["iss"] == url
    denied = browser.consent(browser.authorize(app.query()), decision="deny")
    assert parameters(denied.headers["Location"])["iss"] == url
    own = new_app(url, redirect_uris=["https://client.example.org/cb?iss=https%3A%2F%2Fevil.example&x="])
    back = browser.http.get("/authorize", params=own.query(code_challenge="short")).headers["Location"]
    assert parameters(back) == {**parameters(back), "iss": url, "x": "", "error": "invalid_request"}


def test_c11_the_resource_is_described_at_both_places_alike(url: str) -> None:
    first, second = (document(url, path) for path in RESOURCE)
    assert first == second
    assert first["resource"] == f"{url}/mcp"
    assert "offline_access" not in first["scopes_supported"]
    assert document(url, SERVER[0]) == document(url, SERVER[1])
    with client() as http:
        for path in ("/.well-known/oauth-authorization-server/mcp", "/.well-known/openid-configuration/mcp"):
            assert http.get(f"{url}{path}").status_code == 404, "a client would have to refuse its issuer"


def test_the_document_has_what_clients_decide_by(url: str) -> None:
    found = document(url, SERVER[0])
    assert found["code_challenge_methods_supported"] == ["S256"]
    assert found["client_id_metadata_document_supported"] is True
    assert found["authorization_response_iss_parameter_supported"] is True
    assert "none" in found["token_endpoint_auth_methods_supported"]
    assert {"klaviyo:read", "klaviyo:marketing", "klaviyo:full", "offline_access"} == set(found["scopes_supported"])
    for name in ("authorization", "token", "registration", "revocation"):
        assert found[f"{name}_endpoint"].startswith(f"{url}/")


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
@pytest.mark.parametrize("path", ["/mcp", "/mcp/"])
def test_c12_without_credentials_nothing_is_wrong_with_any(url: str, method: str, path: str) -> None:
    with client() as http:
        answer = http.request(method, f"{url}{path}", json={} if method == "POST" else None)
    assert answer.status_code == 401
    told = answer.headers["www-authenticate"]
    assert told.startswith("Bearer ")
    assert "error" not in told
    assert f'resource_metadata="{url}/.well-known/oauth-protected-resource/mcp"' in told
    assert 'scope="klaviyo:read"' in told


def test_c13_a_bad_token_is_called_one(app: App, url: str) -> None:
    told = app.mcp("tools/list", Authorization="Bearer kma_x").headers["www-authenticate"]
    assert 'error="invalid_token"' in told
    assert f'resource_metadata="{url}/.well-known/oauth-protected-resource/mcp"' in told


@pytest.mark.parametrize(
    ("tool", "arguments", "needed"),
    [
        ("create_list", {"name": "x"}, "klaviyo:read klaviyo:marketing"),
        ("run_write_action", {"action": "create_list", "arguments": {"name": "x"}}, "klaviyo:read klaviyo:marketing"),
        (
            "run_destructive_action",
            {"action": "request_profile_deletion", "arguments": {"email": "a@b.co"}},
            "klaviyo:read klaviyo:marketing klaviyo:full",
        ),
    ],
)
def test_c14_a_call_that_needs_more_names_all_of_it(
    app: App, klaviyo: Any, tool: str, arguments: Any, needed: str
) -> None:
    app.connected(level="klaviyo:read")
    klaviyo.fail()
    answer = app.mcp("tools/call", {"name": tool, "arguments": arguments})
    assert answer.status_code == 403
    told = answer.headers["www-authenticate"]
    assert 'error="insufficient_scope"' in told
    assert f'scope="{needed}"' in told
    assert "resource_metadata=" in told
    assert answer.json()["id"] == 1
    assert klaviyo.seen("*") == 0
    listed = [one["name"] for one in app.mcp("tools/list").json()["result"]["tools"]]
    assert tool in listed or tool == "create_list", "the list is the same at all levels"
    previewed = app.ask("preview_action", action="create_list", arguments={"name": "x"})
    assert "error" not in previewed or previewed["error"]["code"] != "unknown_action"


@pytest.mark.parametrize("with_call", [False, True], ids=["token alone", "call beside it"])
def test_c14_a_level_holds_for_what_another_connection_of_the_company_has_asked(
    app: App, url: str, klaviyo: Any, with_call: bool
) -> None:
    """Some actions change something and need no scope at Klaviyo, so that its grant would not stop them."""
    action, push = "unregister_client_push_token", {"token": "x", "platform": "android", "vendor": "fcm"}
    call = {"action": action, "arguments": {**push, "profile": {"email": "a@b.co"}}}
    held = app.connected(level="klaviyo:full").call("run_destructive_action", **call)
    reader = new_app(url).connected(level="klaviyo:read")
    klaviyo.fail()
    given = {"token": held["confirmation"]["token"], **(call if with_call else {})}
    answer = reader.mcp("tools/call", {"name": "confirm_action", "arguments": given})
    if with_call:
        assert answer.status_code == 403
    else:
        assert answer.json()["result"]["structuredContent"]["error"]["code"] == "scope_missing"
    assert klaviyo.seen("*") == 0


class Before(Browser):
    """Somebody who consented when fewer scopes were asked for."""

    def at_klaviyo(self, url: str, company: str = "DEMO01", decision: str = "allow") -> str:
        known = {scope for facts in FACTS[REVISIONS[-1]].values() for scope in facts["scopes"]}
        asked = httpx2.QueryParams(httpx2.URL(url).query)["scope"].split()
        assert set(asked) - known
        before = " ".join(scope for scope in asked if scope in known)
        return super().at_klaviyo(str(httpx2.URL(url).copy_set_param("scope", before)), company, decision)


def test_a_connection_from_before_there_were_more_scopes_keeps_what_it_could_do(app: App, klaviyo: Any) -> None:
    app.connected(level="klaviyo:marketing", browser=Before(app.url))
    assert app.tokens["scope"] == "klaviyo:read klaviyo:marketing"
    app.call("get_lists")
    app.call("run_write_action", action="create_list", arguments={"name": "Made as before"})
    after = latest(klaviyo)
    refused = app.ask("run_read_action", action="get_brand_logos", arguments={})["error"]
    assert refused["code"] == "scope_missing"
    assert "brands:read" in refused["message"]
    assert "connect again" in refused["next_step"]
    assert logged(klaviyo, after) == []


class TestBrowsers:
    """C16: pages of a browser use the service as far as they may, and can read what they are refused."""

    def test_c16_a_preflight_needs_no_token(self, url: str) -> None:
        asked = {"Origin": LOCAL, "Access-Control-Request-Method": "POST"}
        wanted = "authorization, content-type, mcp-protocol-version, mcp-param-x"
        with client() as http:
            answer = http.options(f"{url}/mcp", headers={**asked, "Access-Control-Request-Headers": wanted})
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == LOCAL
        allowed = answer.headers["access-control-allow-headers"].lower()
        assert all(name in allowed for name in wanted.split(", ")) or allowed == "*"
        assert "www-authenticate" not in answer.headers

    @pytest.mark.parametrize("path", ["/token", "/register", "/revoke", RESOURCE[0]])
    def test_c16_clients_in_any_page_may_use_what_is_for_clients(self, url: str, path: str) -> None:
        headers = {
            "Origin": PAGE,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization",
        }
        with client() as http:
            answer = http.options(f"{url}{path}", headers=headers)
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "authorization" in answer.headers["access-control-allow-headers"].lower()

    def test_c16_a_page_reads_its_401_and_then_its_answer(self, app: App) -> None:
        refused = app.mcp("tools/list", Origin=LOCAL, Authorization="Bearer kma_x")
        assert refused.status_code == 401
        assert refused.headers["access-control-allow-origin"] == LOCAL
        assert "www-authenticate" in refused.headers["access-control-expose-headers"].lower()
        answer = app.connected().mcp("tools/list", Origin=LOCAL)
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == LOCAL
        assert "set-cookie" not in answer.headers

    def test_c16_pages_of_other_origins_get_nowhere(self, app: App, url: str) -> None:
        answer = app.connected().mcp("tools/list", Origin=PAGE)
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers
        with client() as http:
            for path in ("/", "/authorize", "/consent", "/manage", "/oauth/klaviyo/callback"):
                found = http.get(f"{url}{path}", headers={"Origin": PAGE})
                assert "access-control-allow-origin" not in found.headers


def is_token_response(answer: httpx2.Response) -> dict[str, Any]:
    """RFC 6749, section 5.1."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["pragma"] == "no-cache"
    found = answer.json()
    assert found["token_type"] == "Bearer"
    assert type(found["expires_in"]) is int
    assert 0 < found["expires_in"] <= 3600
    assert found["scope"]
    return found


def test_c17_token_responses(app: App, browser: Browser) -> None:
    code = browser.answered(app.query(scope="klaviyo:full claudeai offline_access"), level="klaviyo:marketing")["code"]
    app.tokens = is_token_response(app.exchange(code))
    assert app.tokens["scope"] == "klaviyo:read klaviyo:marketing", "what was chosen, whatever was asked for"
    again = is_token_response(app.refresh())
    assert again["refresh_token"] != app.tokens["refresh_token"]
    for wrong in (app.exchange("kmc_x"), app.refresh(grant_type="password"), app.refresh(refresh_token="kmr_x")):
        assert wrong.status_code == 400
        assert wrong.headers["cache-control"] == "no-store"
        assert set(wrong.json()) == {"error", "error_description"}


def basic(client_id: str, secret: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(f'{client_id}:{secret}'.encode()).decode()}"}


class TestSecrets:
    """C3, C18: how clients prove themselves at the token endpoint and when they revoke."""

    def test_c3_a_secret_in_either_way_and_none(self, url: str, browser: Browser) -> None:
        app = new_app(url, token_endpoint_auth_method="client_secret_basic")
        assert app.secret
        code = browser.answered(app.query())["code"]
        form = {"code": code, "code_verifier": app.verifier, "redirect_uri": app.redirect_uri}
        bare = {"grant_type": "authorization_code", "client_id": None, "client_secret": None, **form}
        wrong = app.post("/token", bare, headers=basic(app.client_id, "wrong"))
        assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")
        assert wrong.headers["www-authenticate"].startswith("Basic ")
        none = app.post("/token", {**bare, "client_id": app.client_id})
        assert (none.status_code, none.json()["error"]) == (401, "invalid_client")
        assert "www-authenticate" not in none.headers
        right = app.post("/token", bare, headers=basic(app.client_id, app.secret))
        app.tokens = is_token_response(right)
        assert is_token_response(app.refresh()), "and in the form"
        assert app.company() == "DEMO01"

    @pytest.mark.parametrize("method", ["none", "client_secret_post"])
    def test_c18_revoking(self, url: str, method: str, klaviyo: Any) -> None:
        app = new_app(url, token_endpoint_auth_method=method).connected()
        other = new_app(url).connected()
        for token in (app.tokens["refresh_token"], app.tokens["access_token"], "kmr_x", "x" * 5_000):
            assert other.post("/revoke", {"token": token}).status_code == 200
        assert app.company() == "DEMO01", "another client's are left alone"
        klaviyo.fail()
        answer = app.post("/revoke", {"token": app.tokens["access_token"], "token_type_hint": "refresh_token"})
        assert (answer.status_code, answer.content) == (200, b"")
        assert app.mcp("tools/list").status_code == 401
        app.tokens = app.refresh().json()
        assert app.company() == "DEMO01"
        assert app.post("/revoke", {"token": app.tokens["refresh_token"]}).status_code == 200
        assert app.mcp("tools/list").status_code == 401
        assert app.refresh().json()["error"] == "invalid_grant"
        assert klaviyo.seen("oauth_revoke") == 0, "the app stays installed for the others of the account"
        assert app.post("/revoke", {"token": None}).json()["error"] == "invalid_request"


@pytest.mark.parametrize("name", PAYLOADS)
def test_c19_what_well_known_clients_register_ends_in_tokens(url: str, name: str) -> None:
    sent = PAYLOADS[name]
    registered = register(url, **sent["registration"])
    for redirect_uri in sent["returns_to"]:
        app = App(url, registered["client_id"], registered.get("client_secret"), redirect_uri)
        query = app.query(**sent["authorize"])
        answer = Browser(url).answered(query, level="klaviyo:read")
        assert answer["iss"] == url
        app.tokens = is_token_response(app.exchange(answer["code"], **sent["token"]))
        app.tokens = is_token_response(app.refresh(**sent["refresh"]))
        assert app.company() == "DEMO01"


def test_a_client_of_2025_03_26_finds_its_way_without_metadata(url: str) -> None:
    """It sends no resource, and looks for /authorize, /token and /register at the root."""
    app = new_app(url)
    code = Browser(url).answered(app.query(resource=None, scope=None))["code"]
    app.tokens = is_token_response(app.exchange(code))
    answer = app.mcp("tools/list", **{"MCP-Protocol-Version": "2025-03-26"})
    assert answer.status_code == 200
    assert re.search("run_read_action", answer.text)
    assert len(challenge(app.verifier)) == 43
