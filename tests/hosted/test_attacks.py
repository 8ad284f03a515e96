"""Attacks on the hosted service over HTTP, by their numbers: what a browser and a client with bad intentions try.

What needs no HTTP to be shown is in tests/authorization; several companies and several instances have their own files.
"""

import json
import re
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from tests.hosted.driving import REDIRECT, App, Browser, client, latest, logged, new_app, parameters

from klaviyo_mcp.registry.model import HttpRequest

PAGE_GUARDS = {
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


def is_page(answer: httpx2.Response, status: int) -> None:
    """A page of ours that leads nowhere and cannot be framed."""
    assert answer.status_code == status, answer.text
    assert "location" not in answer.headers
    assert answer.headers["content-type"].startswith("text/html")
    assert PAGE_GUARDS.items() <= dict(answer.headers).items()
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "form-action" not in policy
    assert "set-cookie" not in answer.headers


def test_a1_an_unknown_client_gets_a_page_and_no_redirect(app: App, browser: Browser) -> None:
    for unknown in ("client_0", "", "https://127.0.0.1/client.json", "<script>alert(1)</script>"):
        answer = browser.http.get("/authorize", params=app.query(client_id=unknown))
        is_page(answer, 400)
        assert "<script>" not in answer.text


@pytest.mark.parametrize(
    "uri",
    ["https://127.0.0.1:7777/callback", "http://127.0.0.1:7777/Callback", "http://127.0.0.1.:7777/callback",
     "http://u@127.0.0.1:7777/callback", f"{REDIRECT}#x", "http://127.0.0.1:7777/x/%2e%2e/callback",
     "http://127.0.0.1:7777\\@evil.com/callback", "http://localhost.evil.com/callback", f"{REDIRECT}?x=1",
     "javascript:alert(1)", "//evil.com/callback", " http://127.0.0.1:7777/callback", f"{REDIRECT}\n"],
)  # fmt: skip
def test_a2_an_address_that_is_not_registered_gets_a_page(app: App, browser: Browser, uri: str) -> None:
    is_page(browser.http.get("/authorize", params=app.query(redirect_uri=uri)), 400)


def test_a7_a_doubled_parameter_leads_back_with_an_error_that_names_it(app: App, browser: Browser, url: str) -> None:
    query = [*app.query().items(), ("code_challenge", "x" * 43)]
    answer = browser.http.get("/authorize", params=query)
    assert answer.status_code == 303
    told = parameters(answer.headers["Location"])
    assert (told["error"], told["state"], told["iss"]) == ("invalid_request", "the state", url)
    is_page(browser.http.get("/authorize", params=[*app.query().items(), ("redirect_uri", "https://evil.com/")]), 400)


def test_a13_a_foreign_resource_is_refused_at_every_step(app: App, browser: Browser) -> None:
    foreign = "https://evil.example/mcp"
    refused = browser.http.get("/authorize", params=app.query(resource=foreign))
    assert parameters(refused.headers["Location"])["error"] == "invalid_target"
    answer = browser.answered(app.query())
    assert app.exchange(answer["code"], resource=foreign).json()["error"] == "invalid_target"
    app.tokens = app.exchange(answer["code"], resource=f"{app.url}/mcp/").json()
    assert app.refresh(resource=foreign).json()["error"] == "invalid_target"
    assert app.refresh(resource=None).status_code == 200, "none is ours"


JUNK = ["kma_x", "kmr_" + "A" * 49, "kma_" + "A" * 49, "A" * 10_000, "kma_", "null", "Bearer kma_x"]


def test_a19_every_token_that_is_not_good_gets_the_same_answer(app: App) -> None:
    app.connected()
    good = app.tokens["access_token"]
    swapped = good[:10] + ("A" if good[10] != "A" else "B") + good[11:]
    seen = set()
    for bad in [*JUNK, good[:-1], f"{good}x", swapped, app.tokens["refresh_token"]]:
        answer = app.mcp("tools/list", Authorization=f"Bearer {bad}")
        seen.add((answer.status_code, answer.text, answer.headers["www-authenticate"], tuple(sorted(answer.headers))))
    ((status, _, challenge, _),) = seen
    assert status == 401
    assert 'error="invalid_token"' in challenge


def test_a20_a_token_anywhere_but_in_its_header_counts_for_nothing(app: App, url: str) -> None:
    token = app.connected().tokens["access_token"]
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    for more in (
        {"params": {"access_token": token}},
        {"cookies": {"access_token": token}},
        {"headers": {"X-Access-Token": token}},
        {"headers": {"Authorization": f"Basic {token}"}},
    ):
        with client(cookies=more.pop("cookies", None)) as http:
            answer = http.post(f"{url}/mcp", json=message, **more)
        assert answer.status_code == 401
        assert "error=" not in answer.headers["www-authenticate"], "no credentials were seen"


class TestConsent:
    """A21, A22, A23, A26: consent belongs to a browser, a page and a request."""

    def test_a21_a_form_without_its_cookie_sends_nothing_to_klaviyo(self, app: App, browser: Browser, klaviyo) -> None:
        shown = browser.authorize(app.query())
        other = Browser(app.url)
        others = other.authorize(app.query())
        klaviyo.fail()
        without = Browser(app.url)
        is_page(without.consent(shown), 403)
        is_page(other.consent(shown), 403)
        is_page(browser.consent(shown, csrf=others.fields["csrf"]), 403)
        is_page(browser.consent(others), 403)
        is_page(browser.consent(shown, csrf=""), 403)
        is_page(browser.consent(shown, t=others.fields["t"]), 403)
        assert klaviyo.seen("*") == 0
        assert browser.consent(shown).status_code == 303, "the right form of the right browser is still good"

    def test_a21_an_attackers_form_posted_from_the_victims_browser(self, app: App, browser: Browser) -> None:
        attacker = Browser(app.url)
        theirs = attacker.authorize(app.query(state="the attacker's"))
        browser.authorize(app.query())
        is_page(browser.consent(theirs), 403)

    def test_a22_an_answer_of_klaviyo_in_another_browser_is_not_exchanged(
        self, app: App, browser: Browser, klaviyo
    ) -> None:
        to_klaviyo = browser.consent(browser.authorize(app.query())).headers["Location"]
        victim = Browser(app.url)
        back = victim.at_klaviyo(to_klaviyo)
        klaviyo.fail()
        is_page(victim.http.get(back), 403)
        assert klaviyo.seen("oauth_token") == 0
        assert browser.http.get(back).status_code == 303, "the browser that it belongs to may still have it"

    def test_a23_a_state_is_good_once_and_only_as_it_was_given(self, app: App, browser: Browser) -> None:
        back = browser.at_klaviyo(browser.consent(browser.authorize(app.query())).headers["Location"])
        state = parameters(back)["state"]
        for wrong in (f"{back}&state={state}", back.replace(state, state[:-1] + "x"), back.replace("state=", "s=")):
            is_page(browser.http.get(wrong), 400)
        assert browser.http.get(back).status_code == 303
        answer = browser.http.get(back)
        assert answer.status_code == 400, "a second time"
        assert "location" not in answer.headers

    def test_a24_who_refuses_at_klaviyo_is_told_to_the_client(self, app: App, browser: Browser, url: str) -> None:
        to_klaviyo = browser.consent(browser.authorize(app.query())).headers["Location"]
        back = browser.http.get(browser.at_klaviyo(to_klaviyo, decision="deny"))
        told = parameters(back.headers["Location"])
        assert (told["error"], told["state"], told["iss"]) == ("access_denied", "the state", url)
        assert "code" not in told

    def test_a26_consent_is_asked_for_every_time(self, app: App, browser: Browser, klaviyo) -> None:
        app.connected(browser=browser)
        klaviyo.fail()
        for headers in ({}, {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}):
            shown = browser.authorize(app.query(), **headers)
            assert "csrf" in shown.fields
        # A second client at which Klaviyo itself would not ask any more gets no further, either.
        assert Browser(app.url).authorize(new_app(app.url).query()).fields["csrf"]
        assert klaviyo.seen("*") == 0


@pytest.mark.parametrize(
    "name",
    ['"><script>alert(1)</script>', "{{ 7*7 }}{% include 'x' %}", "Claude\u202eevil\u2066", "a\r\nSet-Cookie: x=1",
     "W" * 10_000],
)  # fmt: skip
def test_a27_a_name_is_text_wherever_it_is_shown(url: str, browser: Browser, name: str) -> None:
    app = new_app(url, client_name=name, client_uri="https://evil.example/?<b>")
    page = browser.authorize(app.query()).answer
    assert "<script>" not in page.text
    assert "49" not in re.sub(r"\d{3,}|value=\S+", "", page.text), "nothing in a name is carried out"
    assert not re.search("[\u202a-\u202e\u2066-\u2069]", page.text)
    assert "W" * 101 not in page.text
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert "x=1" not in page.headers.get("set-cookie", "")
    if "script" in name:
        assert "alert(1)&lt;/script&gt;" in page.text
    app.connected(browser=browser)
    browser.connect()
    assert "<script>" not in browser.http.get("/manage").text


SPOOFED = {
    "Host": {"Host": "evil.example"},
    "X-Forwarded-Host": {"X-Forwarded-Host": "evil.example", "X-Forwarded-Port": "444"},
    "Forwarded": {"Forwarded": 'for=1.2.3.4;host="evil.example";proto=https'},
    "X-Forwarded-Proto": {"X-Forwarded-Proto": "https", "X-Forwarded-Prefix": "/evil", "X-Original-URL": "/evil"},
}
PLACES = (
    "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration", "/manage",
    "/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp", "/", "/install",
)  # fmt: skip


@pytest.mark.parametrize("name", SPOOFED)
def test_a39_headers_that_name_another_host_change_nothing(app: App, browser: Browser, url: str, name: str) -> None:
    spoofed = SPOOFED[name]
    with client(base_url=url) as http:
        for place in PLACES:
            as_ever, now = http.get(place), http.get(place, headers=spoofed)
            assert now.text == as_ever.text
            assert now.headers.get("location") == as_ever.headers.get("location")
        as_ever, now = (http.post("/mcp", headers=headers) for headers in ({}, spoofed))
        assert (now.status_code, now.headers["www-authenticate"]) == (401, as_ever.headers["www-authenticate"])
        shown = http.get("/authorize", params=app.query(), headers=spoofed)
        assert shown.headers["location"].startswith(f"{url}/consent?t=")
        denied = http.get("/authorize", params=app.query(response_type="token"), headers=spoofed)
        assert parameters(denied.headers["location"])["iss"] == url
    to_klaviyo = browser.http.post("/connect", data={"level": "klaviyo:read"}, headers=spoofed).headers["location"]
    assert parameters(to_klaviyo)["redirect_uri"] == f"{url}/oauth/klaviyo/callback"


FORMS = (
    "../accounts",
    "..%2Faccounts",
    "%2e%2e/accounts",
    "a/../../accounts",
    "x?fields=1",
    "x#y",
    "a\\..\\b",
    "..",
    ".",
)


def test_a36_no_path_argument_leaves_its_segment(app: App, klaviyo, registry) -> None:
    app.connected()
    reads = [
        (action, name)
        for action in registry.actions
        if action.effect == "read" and isinstance(request := action.spec.request, HttpRequest)
        for name in re.findall(r"/\$(\w+)", request.path)
    ]
    assert len(reads) > 50
    before = latest(klaviyo)
    calls = [
        {"action": action.name, "arguments": {**example(action), name: FORMS[number % len(FORMS)]}}
        for number, (action, name) in enumerate(reads)
    ]
    for start in range(0, len(calls), 10):
        app.ask("run_read_action", calls=calls[start : start + 10])
    paths = {action.name: segments(action.spec.request.path) for action, _ in reads}
    sent = [entry for entry in logged(klaviyo, before) if entry["path"].startswith("/api/")]
    assert len(sent) > 10, "what is one segment is sent"
    for entry in sent:
        # What is not among them are look-ups of what comes close to an id that is not there.
        assert segments(entry["path"]) == paths.get(entry["operation"], segments(entry["path"])), entry
        assert not re.search(r"(^|/)(\.|%2e){1,2}(/|$)", entry["path"], re.IGNORECASE), entry


def segments(path: str) -> int:
    return path.count("/")


def example(action) -> dict[str, Any]:
    """Arguments that the action takes."""
    return dict(action.spec.examples[0].arguments)


def test_the_page_connects_whom_it_shows(app: App, browser: Browser) -> None:
    browser.connect(level="klaviyo:read")
    page = browser.http.get("/manage")
    assert page.status_code == 200
    assert "Juniper &amp; Pine" in page.text
    assert "Lumen Coffee" not in page.text


@pytest.mark.parametrize("path", ["/manage/disconnect", "/manage/remove", "/sign-out"])
def test_a21_forms_of_the_manage_page_need_their_own_session(app: App, browser: Browser, klaviyo, path: str) -> None:
    app.connected(browser=browser)
    browser.connect()
    attacker = Browser(app.url)
    App(app.url, app.client_id).connected("OTHER1", browser=attacker)
    attacker.connect("OTHER1")
    token = re.search(r'name="csrf" value="([^"]+)"', attacker.http.get("/manage").text)
    assert token
    klaviyo.fail()
    for data in ({"csrf": token[1]}, {"csrf": ""}, {}):
        is_page(browser.http.post(path, data={**data, "grant": "x"}), 403)
    assert klaviyo.seen("*") == 0
    assert app.company() == "DEMO01", "nothing was ended"


def test_pages_are_forms_and_nothing_else(url: str) -> None:
    """Klaviyo's address is never in a page before a person has said yes, and JSON is no form."""
    with client(base_url=url) as http:
        for path in ("/consent", "/connect", "/token", "/revoke"):
            answer = http.post(path, content=json.dumps({"t": "x"}), headers={"Content-Type": "application/json"})
            assert answer.status_code == 400
        assert http.get("/token").status_code in (404, 405)
        assert http.post("/authorize").status_code in (404, 405)
        assert http.get(f"/authorize?{'x' * 9_000}").status_code in (400, 414)
        assert http.post("/token", data={"code": "x" * 70_000}).status_code == 400
        assert http.get(f"/consent?t={quote('../../x')}").status_code == 400
