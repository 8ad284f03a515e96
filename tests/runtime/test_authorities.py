"""Hosts and origins: exact, and without regard to case."""

import pytest

from klaviyo_mcp.runtime.authorities import Authority, Origin
from klaviyo_mcp.runtime.settings import SettingsError, read_settings


@pytest.mark.parametrize(
    ("allowed", "asked", "covered"),
    [
        ("Shop.Example.ORG", "shop.example.org", True),
        ("localhost", "LOCALHOST:7220", True),
        ("localhost", "localhost.", True),
        ("mcp.example.org:8443", "mcp.example.org:8443", True),
        ("mcp.example.org:8443", "mcp.example.org", False),
        ("mcp.example.org:443", "mcp.example.org", True),
        ("mcp.example.org:*", "mcp.example.org:1", True),
        ("[::1]", "[0:0:0:0:0:0:0:1]:8000", True),
        ("example.org", "evil.example.org", False),
        ("example.org", "example.org.evil.com", False),
    ],
)
def test_a_host_is_covered_whole_or_not_at_all(allowed, asked, covered) -> None:
    mine, theirs = Authority.read(allowed), Authority.read(asked)
    assert mine is not None
    assert theirs is not None
    assert mine.covers(theirs) is covered


@pytest.mark.parametrize(
    "text",
    ["localhost:evil.com", "127.0.0.1:7271@evil.com", "", "a b", "x/y", "http://x", "[evil]", "::1", "x:", "[::1", "*"],
)
def test_what_is_no_host_is_not_read_as_one(text) -> None:
    assert Authority.read(text) is None


@pytest.mark.parametrize(
    ("allowed", "asked", "covered"),
    [
        ("https://App.example.org/", "https://app.example.org", True),
        ("https://app.example.org:443", "https://app.example.org", True),
        ("https://app.example.org", "https://app.example.org:443", True),
        ("https://app.example.org", "https://app.example.org:8443", False),
        ("https://app.example.org:*", "https://app.example.org:8443", True),
        ("https://app.example.org", "http://app.example.org", False),
        ("https://app.example.org", "https://app.example.org.evil.com", False),
        ("vscode-webview://0abc", "vscode-webview://0abc", True),
    ],
)
def test_an_origin_is_covered_whole_or_not_at_all(allowed, asked, covered) -> None:
    mine, theirs = Origin.read(allowed), Origin.read(asked)
    assert mine is not None
    assert theirs is not None
    assert mine.covers(theirs) is covered


@pytest.mark.parametrize(
    "text", ["null", "*", "http://localhost:1.evil.com", "https://a@b", "app.example.org", "https://x/y"]
)
def test_what_is_no_origin_is_not_read_as_one(text) -> None:
    assert Origin.read(text) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KLAVIYO_MCP_ALLOWED_HOSTS", "good.example.org,https://mcp.example.org"),
        ("KLAVIYO_MCP_ALLOWED_HOSTS", "*"),
        ("KLAVIYO_MCP_ALLOWED_ORIGINS", "app.example.org"),
        ("KLAVIYO_MCP_ALLOWED_ORIGINS", "*"),
    ],
)
def test_a_setting_that_could_never_match_is_refused(monkeypatch, name, value) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name):
        read_settings()
