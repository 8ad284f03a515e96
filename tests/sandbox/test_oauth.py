"""OAuth: the consent page, tokens, what they let an app do, and how they end."""

import base64
import hashlib
import html
import re
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest

from klaviyo_sandbox import API_KEY, CLIENT_ID, CLIENT_SECRET, COMPANY_ID, REDIRECT_URIS

VERIFIER = "a-verifier.of~43_characters-at-the-very-least-0123"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
REDIRECT = REDIRECT_URIS[0]
ASKED = {
    "response_type": "code",
    "client_id": CLIENT_ID,
    "redirect_uri": REDIRECT,
    "scope": "accounts:read lists:read",
    "state": "st&te",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}
FORM = "application/x-www-form-urlencoded"
DAY = 86400


def basic(client=CLIENT_ID, secret=CLIENT_SECRET):
    return f"Basic {base64.b64encode(f'{client}:{secret}'.encode()).decode()}"


def submit(sandbox, path, fields, authorization=None, content_type=FORM):
    return sandbox.post(
        path, urlencode(fields).encode(), key=None, Authorization=authorization, Content_Type=content_type
    )


def ask(sandbox, **changes):
    asked = {name: value for name, value in {**ASKED, **changes}.items() if value is not None}
    return sandbox.get(f"/oauth/authorize?{urlencode(asked)}", key=None, Accept="text/html")


def decide(sandbox, decision="allow", company_id=COMPANY_ID, **changes):
    """Press a button of the consent page, which sends what its form holds."""
    page = ask(sandbox, **changes).text
    hidden = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page)
    fields = {name: html.unescape(value) for name, value in hidden}
    return submit(sandbox, "/oauth/authorize", {**fields, "decision": decision, "company_id": company_id})


def returned(answer):
    """What the app is told by a redirect."""
    assert answer.status_code == 303, answer.text
    assert answer.headers["Location"].startswith(f"{REDIRECT}?")
    return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))


def exchange(sandbox, code, authorization=None, **changes):
    fields = {
        "grant_type": "authorization_code",
        "code": code,
        "code_verifier": VERIFIER,
        "redirect_uri": REDIRECT,
        **changes,
    }
    return submit(sandbox, "/oauth/token", fields, authorization or basic())


def refresh(sandbox, refresh_token, authorization=None):
    fields = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    return submit(sandbox, "/oauth/token", fields, authorization or basic())


def tokens(sandbox, **changes):
    answer = exchange(sandbox, returned(decide(sandbox, **changes))["code"])
    assert answer.status_code == 200, answer.text
    return answer.json()


def read(sandbox, access_token, path="/api/lists", **options):
    return sandbox.get(path, key=None, Authorization=f"Bearer {access_token}", **options)


def refused(answer, status, error):
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json()["error"] == error
    return answer.json()


# The consent page


def test_the_consent_page_names_the_app_the_scopes_and_the_companies(sandbox):
    page = ask(sandbox)
    assert page.status_code == 200
    assert page.headers["Content-Type"].startswith("text/html")
    for text in ("Sandbox app", "accounts:read", "lists:read", "Juniper &amp; Pine", "Lumen Coffee", "Allow", "Deny"):
        assert text in page.text
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "form-action" not in policy, "browsers would apply it to wherever the app sends the user on to"
    assert "unsafe" not in policy


def test_what_the_request_says_is_escaped_on_the_page(sandbox):
    sandbox.post(
        "/_sandbox/oauth/apps",
        {"client_id": "x", "client_secret": "y", "name": "<script>1</script>", "redirect_uris": [REDIRECT]},
    )
    page = ask(sandbox, client_id="x", state='"><script>2</script>').text
    assert "<script>" not in page
    assert "&lt;script&gt;1" in page


def test_allowing_sends_a_code_and_the_state_back_to_the_app(sandbox):
    answer = returned(decide(sandbox))
    assert answer["state"] == "st&te"
    assert answer["code"]


def test_denying_sends_an_error_back(sandbox):
    answer = returned(decide(sandbox, "deny"))
    assert (answer["error"], answer["state"]) == ("access_denied", "st&te")


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "unknown"},
        {"client_id": None},
        {"redirect_uri": f"{REDIRECT}/"},
        {"redirect_uri": REDIRECT.replace("8971", "8972")},
        {"redirect_uri": "https://elsewhere.example/callback"},
        {"redirect_uri": None},
    ],
)
def test_an_unknown_app_or_address_is_told_to_the_user_and_nobody_else(sandbox, changes):
    answer = ask(sandbox, **changes)
    assert answer.status_code == 400
    assert "Location" not in answer.headers
    assert "This cannot continue" in answer.text


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"scope": "lists:read everything:write"}, "invalid_scope"),
        ({"scope": None}, "invalid_scope"),
    ],
)
def test_a_request_that_cannot_be_granted_goes_back_to_the_app(sandbox, changes, error):
    assert returned(ask(sandbox, **changes))["error"] == error


def test_nobody_can_consent_for_a_company_that_does_not_exist(sandbox):
    assert decide(sandbox, company_id="NOPE01").status_code == 400


def test_consent_can_be_given_without_asking(make_sandbox):
    assert "code" in returned(ask(make_sandbox(auto_approve=True)))


def test_giving_consent_without_asking_can_be_switched_on_and_off(sandbox):
    sandbox.post("/_sandbox/oauth", {"auto_approve": True, "company_id": "OTHER1"})
    code = returned(ask(sandbox))["code"]
    access_token = exchange(sandbox, code).json()["access_token"]
    assert read(sandbox, access_token, "/api/accounts").json()["data"][0]["id"] == "OTHER1"
    sandbox.post("/_sandbox/oauth", {"auto_approve": False})
    assert ask(sandbox).status_code == 200


# Tokens


def test_a_code_is_exchanged_for_tokens(sandbox):
    answer = tokens(sandbox)
    assert set(answer) == {"access_token", "refresh_token", "token_type", "expires_in", "scope"}
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 3600)
    assert answer["scope"] == "accounts:read lists:read"


def test_an_access_token_reads_the_chosen_company(sandbox):
    for company in (COMPANY_ID, "OTHER1"):
        answer = read(sandbox, tokens(sandbox, company_id=company)["access_token"], "/api/accounts")
        assert answer.json()["data"][0]["id"] == company
        assert answer.headers["CID"] == company
        assert answer.headers["X-Klaviyo-OAuth-Client-Id"] == CLIENT_ID
    assert "X-Klaviyo-OAuth-Client-Id" not in sandbox.get("/api/accounts").headers


def test_an_access_token_may_do_what_its_scopes_say(sandbox):
    access_token = tokens(sandbox)["access_token"]
    assert read(sandbox, access_token).status_code == 200
    error = sandbox.problem(read(sandbox, access_token, "/api/profiles"), 403)
    assert error["code"] == "permission_denied"
    assert "profiles:read" in error["detail"]
    body = {"data": {"type": "list", "attributes": {"name": "Any"}}}
    answer = sandbox.post("/api/lists", body, key=None, Authorization=f"Bearer {access_token}")
    assert "lists:write" in sandbox.problem(answer, 403)["detail"]


def test_a_code_is_good_for_one_exchange(sandbox):
    code = returned(decide(sandbox))["code"]
    assert exchange(sandbox, code).status_code == 200
    refused(exchange(sandbox, code), 400, "invalid_grant")


def test_a_code_lives_for_a_minute(sandbox):
    early, late = (returned(decide(sandbox))["code"] for _ in range(2))
    sandbox.clock.advance(59)
    assert exchange(sandbox, early).status_code == 200
    sandbox.clock.advance(1)
    refused(exchange(sandbox, late), 400, "invalid_grant")


def test_a_code_needs_the_verifier_it_was_asked_for_with(sandbox):
    answer = exchange(sandbox, returned(decide(sandbox))["code"], code_verifier=VERIFIER[::-1])
    assert refused(answer, 400, "invalid_grant")["error_description"] == "Code challenge failed."


@pytest.mark.parametrize("verifier", ["", "x" * 42, "x" * 129, "ä" * 43, f"{VERIFIER} "])
def test_a_malformed_verifier_is_refused(sandbox, verifier):
    answer = exchange(sandbox, returned(decide(sandbox))["code"], code_verifier=verifier)
    assert 'Invalid "code_verifier"' in refused(answer, 400, "invalid_request")["error_description"]


def test_a_code_needs_the_address_it_was_sent_to(sandbox):
    answer = exchange(sandbox, returned(decide(sandbox))["code"], redirect_uri=REDIRECT_URIS[1])
    refused(answer, 400, "invalid_grant")


def test_a_code_belongs_to_one_app(sandbox):
    sandbox.post(
        "/_sandbox/oauth/apps", {"client_id": "b", "client_secret": "s:€", "redirect_uris": ["http://localhost:1/x"]}
    )
    code = returned(decide(sandbox))["code"]
    refused(exchange(sandbox, code, basic("b", "s:€")), 400, "invalid_grant")


@pytest.mark.parametrize(
    "authorization",
    ["", "Basic", "Basic !!!", basic(secret="wrong"), basic(client="wrong"), f"Klaviyo-API-Key {API_KEY}"],
)
@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke"])
def test_the_app_must_authenticate(sandbox, path, authorization):
    answer = submit(sandbox, path, {"grant_type": "refresh_token", "token": "x"}, authorization)
    refused(answer, 401, "invalid_client")
    assert answer.headers["WWW-Authenticate"].startswith("Basic")


def test_another_grant_type_is_refused(sandbox):
    answer = submit(sandbox, "/oauth/token", {"grant_type": "client_credentials"}, basic())
    refused(answer, 400, "invalid_grant_type")


def test_tokens_are_asked_for_with_a_form(sandbox):
    answer = sandbox.post("/oauth/token", {"grant_type": "refresh_token"}, key=None, Authorization=basic())
    refused(answer, 400, "invalid_request")


def test_refreshing_keeps_the_refresh_token_and_earlier_access_tokens(sandbox):
    first = tokens(sandbox)
    second = refresh(sandbox, first["refresh_token"]).json()
    assert second["refresh_token"] == first["refresh_token"]
    assert second["access_token"] != first["access_token"]
    assert second["scope"] == first["scope"]
    for issued in (first, second):
        assert read(sandbox, issued["access_token"]).status_code == 200


def test_an_access_token_expires_after_an_hour(sandbox):
    issued = tokens(sandbox)
    sandbox.clock.advance(3599)
    assert read(sandbox, issued["access_token"]).status_code == 200
    sandbox.clock.advance(1)
    error = sandbox.problem(read(sandbox, issued["access_token"]), 401)
    assert error["code"] == "authentication_failed"
    assert read(sandbox, refresh(sandbox, issued["refresh_token"]).json()["access_token"]).status_code == 200


def test_the_lifetime_of_access_tokens_can_be_chosen(make_sandbox):
    sandbox = make_sandbox(access_token_seconds=5)
    assert tokens(sandbox)["expires_in"] == 5
    sandbox.post("/_sandbox/oauth", {"access_token_seconds": 7})
    issued = tokens(sandbox)
    assert issued["expires_in"] == 7
    sandbox.clock.advance(7)
    assert read(sandbox, issued["access_token"]).status_code == 401


def test_a_refresh_token_dies_after_90_days_without_use(sandbox):
    used, unused = tokens(sandbox)["refresh_token"], tokens(sandbox)["refresh_token"]
    sandbox.clock.advance(89 * DAY)
    assert refresh(sandbox, used).status_code == 200
    sandbox.clock.advance(DAY)
    assert refresh(sandbox, used).status_code == 200
    refused(refresh(sandbox, unused), 400, "invalid_grant")


def test_revoking_a_refresh_token_ends_everything_it_led_to(sandbox):
    issued = tokens(sandbox)
    answer = submit(sandbox, "/oauth/revoke", {"token": issued["refresh_token"]}, basic())
    assert answer.status_code == 200
    refused(refresh(sandbox, issued["refresh_token"]), 400, "invalid_grant")
    assert read(sandbox, issued["access_token"]).status_code == 401


def test_revoking_an_access_token_leaves_the_grant(sandbox):
    issued = tokens(sandbox)
    submit(sandbox, "/oauth/revoke", {"token": issued["access_token"], "token_type_hint": "access_token"}, basic())
    assert read(sandbox, issued["access_token"]).status_code == 401
    assert refresh(sandbox, issued["refresh_token"]).status_code == 200


def test_revoking_what_is_unknown_or_somebody_elses_changes_nothing(sandbox):
    issued = tokens(sandbox)
    sandbox.post(
        "/_sandbox/oauth/apps", {"client_id": "b", "client_secret": "s", "redirect_uris": ["http://localhost:1/x"]}
    )
    for token in ("unknown", issued["refresh_token"]):
        assert submit(sandbox, "/oauth/revoke", {"token": token}, basic("b", "s")).status_code == 200
    assert refresh(sandbox, issued["refresh_token"]).status_code == 200


def test_a_token_to_revoke_must_be_named(sandbox):
    refused(submit(sandbox, "/oauth/revoke", {}, basic()), 400, "invalid_request")


def test_an_installation_may_refresh_ten_times_a_minute(make_sandbox):
    sandbox = make_sandbox(rate_limits=True)
    here, there = (tokens(sandbox, company_id=company)["refresh_token"] for company in (COMPANY_ID, "OTHER1"))
    for _ in range(10):
        assert refresh(sandbox, here).status_code == 200
        sandbox.clock.advance(1)
    answer = refresh(sandbox, here)
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "50"
    assert refresh(sandbox, there).status_code == 200
    sandbox.clock.advance(50)
    assert refresh(sandbox, here).status_code == 200


def test_an_app_has_a_quota_of_its_own_in_each_account(make_sandbox):
    sandbox = make_sandbox(rate_limits=True)
    mine = tokens(sandbox)["access_token"]
    other = tokens(sandbox, company_id="OTHER1")["access_token"]
    assert sandbox.get("/api/accounts").status_code == 200
    assert sandbox.get("/api/accounts").status_code == 429
    assert read(sandbox, mine, "/api/accounts").status_code == 200
    assert read(sandbox, mine, "/api/accounts").status_code == 429
    assert read(sandbox, tokens(sandbox)["access_token"], "/api/accounts").status_code == 429
    assert read(sandbox, other, "/api/accounts").status_code == 200


# Apps


def test_an_app_can_be_registered_with_its_own_address(sandbox):
    app = {"client_id": "mine", "client_secret": "s3cret", "redirect_uris": ["https://app.example/oauth?tenant=1"]}
    assert sandbox.post("/_sandbox/oauth/apps", app).status_code == 201
    answer = decide(sandbox, client_id="mine", redirect_uri=app["redirect_uris"][0])
    location = urlsplit(answer.headers["Location"])
    assert parse_qs(location.query)["tenant"] == ["1"]
    code = parse_qs(location.query)["code"][0]
    issued = exchange(sandbox, code, basic("mine", "s3cret"), redirect_uri=app["redirect_uris"][0])
    assert read(sandbox, issued.json()["access_token"]).headers["X-Klaviyo-OAuth-Client-Id"] == "mine"


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uris": []},
        {"redirect_uris": ["javascript:alert(1)"]},
        {"redirect_uris": ["http://127.0.0.1:99999/callback"]},
        {"redirect_uris": ["http://a.example/x#fragment"]},
        {"redirect_uris": ["http://a.example; script-src *"]},
        {"client_secret": 1},
        {"colour": "red"},
    ],
)
def test_an_app_that_makes_no_sense_is_not_registered(sandbox, changes):
    app = {"client_id": "mine", "client_secret": "s3cret", "redirect_uris": [REDIRECT], **changes}
    answer = sandbox.post("/_sandbox/oauth/apps", app)
    assert answer.status_code == 400
    assert answer.json()["error"]


@pytest.mark.parametrize(
    "settings", [{"auto_approve": "yes"}, {"company_id": "NOPE01"}, {"access_token_seconds": 0}, {"colour": "red"}]
)
def test_settings_that_make_no_sense_are_refused(sandbox, settings):
    assert sandbox.post("/_sandbox/oauth", settings).status_code == 400
    assert sandbox.get("/_sandbox/oauth").json() == {
        "auto_approve": False,
        "company_id": COMPANY_ID,
        "access_token_seconds": 3600,
    }


def test_no_token_code_or_secret_gets_into_the_log(sandbox):
    issued = tokens(sandbox)
    read(sandbox, issued["access_token"])
    log = sandbox.get("/_sandbox/requests", key=None).text
    assert "oauth_token" in log
    for secret in (issued["access_token"], issued["refresh_token"], CLIENT_SECRET, VERIFIER):
        assert secret not in log
