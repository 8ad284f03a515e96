"""Redirect URIs: a table of what is accepted, and mutations of a registered address, of which none may match."""

from urllib.parse import urlsplit

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from klaviyo_mcp.authorization.config import SCHEMES
from klaviyo_mcp.authorization.redirects import allowed, answered, is_loopback, matches, refusal, shown_host

ACCEPTED = [
    "https://claude.ai/api/mcp/auth_callback", "https://chatgpt.com/connector/oauth/abc_DEF-1", "https://a.example/cb?x=1",
    "https://vscode.dev/redirect", "https://[2001:4860::1]:8443/cb", "https://antigravity.google/oauth-callback",
    "http://localhost:8787/callback", "http://localhost/callback", "http://127.0.0.1/", "http://127.0.0.1",
    "http://127.0.0.1:33418/", "http://[::1]:9/cb", "cursor://anysphere.cursor-mcp/oauth/callback",
    "vscode://publisher.name/auth", "vscode-insiders://publisher.name/auth?x=y",
]  # fmt: skip
REFUSED = [
    ("A3", "javascript:alert(1)"), ("A3", "data:text/html,x"), ("A3", "file:///etc/passwd"), ("A3", "vbscript:x"),
    ("A3", "JavaScript:alert(1)"), ("A3", "blob:https://x"), ("A4", "http://evil.com/cb"), ("A4", "http://10.0.0.1/cb"),
    ("A6", "http://localhost.evil.com/cb"), ("A6", "http://127.0.0.1.nip.io/cb"), ("A6", "http://127.1/cb"),
    ("A6", "http://0.0.0.0/cb"), ("A6", "http://[::]/cb"), ("A6", "http://2130706433/cb"), ("A6", "http://LOCALHOST/cb"),
    ("A6", "http://localhost:80@evil.com/cb"), ("A6", "http://127.0.0.1:7777.evil.com/cb"), ("A6", "http://localhost./cb"),
    ("A2", "https://user@a.example/cb"), ("A2", "https://user:p@a.example/cb"), ("A2", "https://a.example./cb"),
    ("A2", "https://a.example/cb#f"), ("A2", "https://a.example/cb#"), ("A2", "https://a.example\\@evil.com/cb"),
    ("A2", "https://a.example/x/../cb"), ("A2", "https://a.example/./cb"), ("A2", "https://a.example/%2e%2e/cb"),
    ("A2", "https://a.example/.%2E/cb"), ("A2", "https://a.example/%252e%252e/cb"), ("A2", "https://a.example/%2e%2e%2fcb"),
    ("A2", "https://*.example/cb"), ("A2", "https://a.example/*"), ("A2", "https://a.example/c b"),
    ("A2", "https://a.example/cb\r\nX: y"), ("A2", "https://exämple.com/cb"), ("A2", "https://a.example/cb\x00"),
    ("A2", "https:///cb"), ("A2", "https://"), ("A2", "https:a.example/cb"), ("A2", "//a.example/cb"), ("A2", "/cb"),
    ("A2", ""), ("A2", "https://a.example/" + "x" * 2_000), ("A2", "claude://oauth"), ("A2", "CURSOR://x/cb"),
    ("A2", "cursor://user@x/cb"), ("A2", "cursor://x/../cb"), ("A2", "https://a.example:/cb"),
]  # fmt: skip


@pytest.mark.parametrize("uri", ACCEPTED)
def test_accepted(uri) -> None:
    assert refusal(uri, SCHEMES) is None
    assert allowed(uri, [uri], SCHEMES)


@pytest.mark.parametrize(("attack", "uri"), REFUSED)
def test_refused_even_if_it_were_registered(attack, uri) -> None:
    assert refusal(uri, SCHEMES)
    assert not allowed(uri, [uri], SCHEMES)


@pytest.mark.parametrize("scheme", ["http", "javascript", "data", "file"])
def test_no_setting_lets_a_dangerous_scheme_in(scheme) -> None:
    assert refusal(f"{scheme}://evil.com/cb", {scheme})


@pytest.mark.parametrize(
    ("registered", "given", "same"),
    [
        ("http://127.0.0.1/", "http://127.0.0.1:50000", True),
        ("http://127.0.0.1:33418", "http://127.0.0.1:1/", True),
        ("http://localhost/callback", "http://localhost:65535/callback", True),
        ("http://localhost:1/callback?x=1", "http://localhost:2/callback?x=1", True),
        ("http://localhost/callback", "http://127.0.0.1/callback", False),
        ("http://localhost/callback", "http://localhost/callback/", False),
        ("http://localhost/callback", "http://localhost/Callback", False),
        ("http://localhost/callback", "http://localhost/callback?x=1", False),
        ("http://localhost/callback", "https://localhost/callback", False),
        ("https://localhost/callback", "https://localhost:1/callback", False),
        ("https://a.example/cb", "https://a.example:443/cb", False),
        ("cursor://a/cb", "cursor://a:1/cb", False),
    ],
)
def test_a5_only_the_port_of_loopback_does_not_count(registered, given, same) -> None:
    assert matches(registered, given) is same


@given(st.data())
def test_no_mutation_of_an_address_matches_it(data) -> None:
    registered = data.draw(st.sampled_from([uri for uri in ACCEPTED if not is_loopback(uri)]))
    at = data.draw(st.integers(0, len(registered)))
    inserted = data.draw(st.text(st.characters(codec="utf-8"), max_size=3))
    cut = data.draw(st.integers(0, 3))
    mutated = registered[:at] + inserted + registered[at + cut :]
    assume(mutated != registered)
    assert not allowed(mutated, [registered], SCHEMES)


@given(st.text(st.characters(codec="ascii"), max_size=40))
def test_what_is_taken_for_loopback_goes_nowhere_else(rest) -> None:
    uri = f"http://{rest}"
    if refusal(uri, SCHEMES) is None:
        assert urlsplit(uri).hostname in ("localhost", "127.0.0.1", "::1")


def test_the_answer_is_added_and_the_rest_stays_as_it_is_written() -> None:
    uri = "https://a.example/cb?x=%7e&iss=evil&%69ss=evil&empty=&code=old&+state=z"
    assert answered(uri, [("code", "a b"), ("iss", "https://i")]) == (
        "https://a.example/cb?x=%7e&empty=&+state=z&code=a%20b&iss=https%3A%2F%2Fi"
    )
    assert answered("cursor://a/cb", [("code", "1")]) == "cursor://a/cb?code=1"


def test_hosts_as_people_see_them() -> None:
    shown = [
        shown_host(uri) for uri in ("https://a.example/cb", "http://[::1]:9?x", "cursor://a/cb", "http://localhost")
    ]
    assert shown == ["a.example", "[::1]:9", "cursor:", "localhost"]
