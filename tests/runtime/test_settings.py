"""Settings: read once, and nothing mistyped is ever ignored."""

import pytest

from klaviyo_mcp.runtime.settings import SettingsError, foreign_variables, read_settings


def problems(monkeypatch, **environment: str) -> str:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as error:
        read_settings()
    return str(error.value)


def test_nothing_set_gives_the_documented_defaults() -> None:
    settings = read_settings()
    assert settings.klaviyo_base_url == "https://a.klaviyo.com"
    assert settings.klaviyo_mcp_max_wait == 30
    assert settings.klaviyo_mcp_quota == "on"
    assert settings.klaviyo_api_key is None


def test_an_empty_setting_is_an_unset_one(monkeypatch) -> None:
    monkeypatch.setenv("KLAVIYO_API_KEY", "")
    assert read_settings().klaviyo_api_key is None


def test_a_mistyped_setting_is_an_error_with_the_nearest_right_name(monkeypatch) -> None:
    found = problems(monkeypatch, KLAVIYO_MCP_QOTA="off", KLAVIYO_MCP_FRUIT="pear")
    assert "KLAVIYO_MCP_QOTA is not a setting of klaviyo-mcp; did you mean KLAVIYO_MCP_QUOTA?" in found
    assert "KLAVIYO_MCP_FRUIT is not a setting of klaviyo-mcp" in found


def test_a_variable_of_another_program_is_no_error_and_is_told(monkeypatch) -> None:
    monkeypatch.setenv("KLAVIYO_APIKEY", "pk_x")
    monkeypatch.setenv("KLAVIYO_SHOP", "7")
    assert read_settings().klaviyo_api_key is None
    mistyped, others = foreign_variables()
    assert mistyped.startswith("KLAVIYO_APIKEY is not a setting")
    assert mistyped.endswith("did you mean KLAVIYO_API_KEY?")
    assert others == "KLAVIYO_SHOP is not a setting of klaviyo-mcp and is not used."


PLACEHOLDERS = [
    "${KLAVIYO_API_KEY}",
    "$KLAVIYO_API_KEY",
    "%KLAVIYO_API_KEY%",
    "<your key>",
    "{{ api_key }}",
    "[your-key]",
]
PLACEHOLDERS += ["pk_xxxx", "YOUR_API_KEY", "pk_your_private_key", "your-secret-here", "…", "${user_config.api_key}"]


@pytest.mark.parametrize("value", PLACEHOLDERS)
@pytest.mark.parametrize("name", ["KLAVIYO_API_KEY", "KLAVIYO_CLIENT_SECRET", "KLAVIYO_MCP_HTTP_TOKEN"])
def test_a_placeholder_is_called_one(monkeypatch, name, value) -> None:
    found = problems(monkeypatch, **{name: value})
    assert found.startswith(f"{name}: still is a placeholder")
    assert "\n" not in found


@pytest.mark.parametrize("name", ["KLAVIYO_BASE_URL", "KLAVIYO_COMPANY_ID", "KLAVIYO_MCP_HOME", "KLAVIYO_MCP_MAX_WAIT"])
def test_a_name_that_nothing_replaced_is_told_for_every_setting(monkeypatch, name) -> None:
    assert problems(monkeypatch, **{name: "${HOME}"}).startswith(f"{name}: still is a placeholder")


def test_a_name_that_nothing_replaced_is_found_within_a_value(monkeypatch) -> None:
    found = problems(monkeypatch, KLAVIYO_MCP_VAULT_URL="redis://:${PASSWORD}@localhost:6379/0")
    assert found.startswith("KLAVIYO_MCP_VAULT_URL: still is a placeholder")


@pytest.mark.parametrize("value", ['"pk_secret"', "'pk_secret'", " “pk_secret” "])
def test_quotes_that_no_shell_took_off_are_told(monkeypatch, value) -> None:
    found = problems(monkeypatch, KLAVIYO_API_KEY=value)
    assert found == "KLAVIYO_API_KEY: is in quotes; write it without them"


@pytest.mark.parametrize("value", ["pk_0123456789abcdef", "$ecret-Token", "a<b>c", "yours-truly", "100%sure"])
def test_what_may_be_a_secret_is_taken(monkeypatch, value) -> None:
    monkeypatch.setenv("KLAVIYO_MCP_HTTP_TOKEN", value)
    token = read_settings().klaviyo_mcp_http_token
    assert token is not None
    assert token.get_secret_value() == value


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("KLAVIYO_MCP_MAX_WAIT", "soon", "KLAVIYO_MCP_MAX_WAIT"),
        ("KLAVIYO_MCP_MAX_WAIT", "-1", "KLAVIYO_MCP_MAX_WAIT"),
        ("KLAVIYO_MCP_QUOTA", "maybe", "KLAVIYO_MCP_QUOTA"),
        ("KLAVIYO_BASE_URL", "a.klaviyo.com", "must be a URL"),
        ("KLAVIYO_BASE_URL", "https://a b.example.org", "must be a URL"),
        ("KLAVIYO_BASE_URL", "https://a.klaviyo.com:99999", "must be a URL"),
        ("KLAVIYO_API_KEY", "pk_a b", "KLAVIYO_API_KEY: holds spaces"),
        ("KLAVIYO_COMPANY_ID", "../x", "KLAVIYO_COMPANY_ID"),
        ("KLAVIYO_CLIENT_SECRET", "a b", "KLAVIYO_CLIENT_SECRET: holds spaces"),
        ("KLAVIYO_OAUTH_BASE_URL", "http://klaviyo.example.org", "must be https"),
        ("KLAVIYO_MCP_VAULT_URL", "localhost:6379", "must be a Redis URL"),
        ("KLAVIYO_MCP_QUOTA_URL", "localhost:6379", "must be a Redis URL"),
        ("KLAVIYO_MCP_JOBS_URL", "mysql://localhost/jobs", "must be a PostgreSQL URL"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(monkeypatch, name, value, says) -> None:
    assert says in problems(monkeypatch, **{name: value})


def test_a_setting_without_effect_is_told(monkeypatch) -> None:
    found = problems(monkeypatch, KLAVIYO_MCP_QUOTA_URL="redis://localhost", KLAVIYO_MCP_QUOTA="off")
    assert "has no effect while KLAVIYO_MCP_QUOTA is off" in found


def test_a_wrong_key_is_never_quoted(monkeypatch) -> None:
    assert "secret" not in problems(monkeypatch, KLAVIYO_API_KEY="pk_secret word")


def test_a_real_key_goes_over_tls_only(monkeypatch) -> None:
    assert "must be https" in problems(
        monkeypatch, KLAVIYO_API_KEY="pk_x", KLAVIYO_BASE_URL="http://klaviyo.example.org"
    )
    monkeypatch.setenv("KLAVIYO_BASE_URL", "http://127.0.0.1:8765")
    assert read_settings().klaviyo_base_url == "http://127.0.0.1:8765"


def test_no_secret_is_in_the_repr(monkeypatch) -> None:
    monkeypatch.setenv("KLAVIYO_API_KEY", "pk_very_secret")
    monkeypatch.setenv("KLAVIYO_CLIENT_SECRET", "very_secret")
    monkeypatch.setenv("KLAVIYO_MCP_VAULT_KEY", "very_secret")
    monkeypatch.setenv("KLAVIYO_MCP_VAULT_URL", "redis://:very_secret@localhost")
    monkeypatch.setenv("KLAVIYO_MCP_QUOTA_URL", "redis://:very_secret@localhost")
    assert "very_secret" not in repr(read_settings())
