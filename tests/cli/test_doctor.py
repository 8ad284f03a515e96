"""`klaviyo-mcp doctor`: says what is wrong and how to mend it, and its exit code whether a call would work."""

import json

import httpx2
import pytest

from klaviyo_mcp.accounts.connect import join, whose
from klaviyo_mcp.accounts.endpoint import Endpoint
from klaviyo_mcp.accounts.oauth import klaviyo_app
from klaviyo_mcp.accounts.records import Secret
from klaviyo_mcp.accounts.tokens import app_of, new_grant
from klaviyo_mcp.accounts.vault import open_vault
from klaviyo_sandbox import API_KEY, create_app
from klaviyo_sandbox.testing import serve


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def examine(command, klaviyo, home):
    """`examine()` gives the exit code and the checks by name."""
    klaviyo.begin()

    def run(*flags, **more):
        done = command("doctor", "--json", *flags, **{**klaviyo.environment(home), **more})
        found = json.loads(done.stdout)
        assert found["ok"] == (done.returncode == 0), done.stderr
        for check in found["checks"]:
            assert check["status"] in ("ok", "skipped") or check["mend"], check
        return done.returncode, {check["name"]: check for check in found["checks"]}

    return run


@pytest.fixture
def connection(klaviyo, home):
    """`await connection(scopes)`: an OAuth connection in the vault."""

    async def make(scopes="accounts:read lists:read profiles:write"):
        vault = open_vault(home)
        app = klaviyo_app(klaviyo.client_id, Secret(klaviyo.client_secret), base_url=klaviyo.url)
        consent = app.consent(klaviyo.redirect_uri, scopes.split())
        grant = new_grant(app, await app.exchange(klaviyo.code(consent.url), consent))
        async with Endpoint(klaviyo.url) as endpoint:
            company = await whose(grant, endpoint)
        made = await join(vault, grant, company, base_url=klaviyo.url, name="shop")
        await vault.close()
        return made

    return make


async def test_a_healthy_connection_is_told_scope_by_scope(examine, connection) -> None:
    await connection()
    code, checks = examine()
    assert code == 0
    for name in ("configuration", "specs", "vault", "reachability", "credentials", "clock", "accounts:read"):
        assert checks[name]["status"] == "ok", checks[name]
    assert checks["lists:read"]["detail"] == "granted, and works"
    assert checks["profiles:write"]["status"] == "skipped"
    assert "klaviyo-mcp connect --name shop --scopes" in checks["scopes not granted"]["mend"]


def test_a_key_in_the_environment_is_tried_for_every_read_scope(examine, klaviyo) -> None:
    code, checks = examine(KLAVIYO_API_KEY=klaviyo.api_key)
    assert code == 0
    assert checks["vault"]["status"] == "skipped"
    assert "lists:read" in checks["scopes"]["detail"]


def test_nothing_connected_is_a_problem_with_a_way_out(examine) -> None:
    code, checks = examine()
    assert code == 1
    assert "klaviyo-mcp connect" in checks["vault"]["mend"]


def test_a_wrong_setting_is_told_first(examine) -> None:
    code, checks = examine(KLAVIYO_MCP_QUOTA="maybe")
    assert code == 1
    assert "KLAVIYO_MCP_QUOTA" in checks["configuration"]["detail"]


def test_a_wrong_key_is_told(examine) -> None:
    code, checks = examine(KLAVIYO_API_KEY="pk_wrong")
    assert code == 1
    assert checks["credentials"]["status"] == "problem"
    assert checks["reachability"]["status"] == "ok"


def test_no_network_is_told(examine) -> None:
    code, checks = examine(KLAVIYO_API_KEY="pk_x", KLAVIYO_BASE_URL="http://127.0.0.1:1")
    assert code == 1
    assert "No connection to 127.0.0.1" in checks["reachability"]["detail"]


async def test_a_revoked_grant_is_told_with_the_command_to_run(examine, connection) -> None:
    made = await connection()
    await app_of(made.grant).revoke(made.grant.refresh_token)
    vault_home = examine()
    code, checks = vault_home
    assert code == 1
    assert any("klaviyo-mcp connect" in check["detail"] + check["mend"] for check in checks.values())


def test_a_clock_that_is_wrong_is_told(examine) -> None:
    with serve(create_app(profiles=3)) as url:
        httpx2.post(f"{url}/_sandbox/faults", json=[{"fault": "clock_skew", "seconds": 9000}])
        code, checks = examine(KLAVIYO_BASE_URL=url, KLAVIYO_API_KEY=API_KEY)
    assert checks["quota"]["status"] == "ok"
    assert code == 1
    assert "behind Klaviyo's" in checks["clock"]["detail"]
    assert "NTP" in checks["clock"]["mend"]


async def test_a_damaged_record_and_an_unknown_name_are_told(examine, connection, home) -> None:
    await connection()
    path = home / "vault" / "accounts" / "other.json"
    path.write_text("{}")
    code, checks = examine("--account", "shop")
    assert code == 0
    assert "'other'" in checks["vault record"]["detail"]
    code, checks = examine("--account", "nobody")
    assert code == 1
    assert "no account named 'nobody'" in checks["account"]["detail"]


async def test_it_prints_lines_for_people(command, connection, klaviyo, home) -> None:
    klaviyo.begin()
    await connection()
    done = command("doctor", **klaviyo.environment(home))
    assert done.returncode == 0
    assert done.stdout.splitlines()[0].startswith("ok       configuration")
    assert done.stdout.splitlines()[-1] == "A call would work."


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ALL_PROXY", "socks://name:pass-word@127.0.0.1:9"),
        ("HTTPS_PROXY", "pass-word is no proxy"),
        ("SSL_CERT_FILE", "/nonexistent/ca.pem"),
        ("SSL_CERT_DIR", "/nonexistent"),
    ],
)
def test_what_the_environment_says_of_the_network_is_told_by_every_command(
    command, home, examine, variable, value
) -> None:
    network = dict.fromkeys(("SSL_CERT_FILE", "SSL_CERT_DIR", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"), "")
    network |= {variable: value, "KLAVIYO_BASE_URL": "https://a.klaviyo.com", "KLAVIYO_MCP_HOME": str(home)}
    code, checks = examine(**network)
    assert code == 1
    assert variable in checks["network settings"]["detail"]
    for words in (["call", "create_list", "--json", '{"name": "x"}'], ["connect", "--api-key"]):
        done = command(*words, stdin="pk_x\n", **network, **({"KLAVIYO_API_KEY": "pk_x"} if words[0] == "call" else {}))
        assert done.returncode == 1
        assert variable in done.stderr
        assert "pass-word" not in done.stdout + done.stderr
        assert "Next: A person has to" in done.stderr
        assert "Traceback" not in done.stderr
        if words[0] == "call":
            assert json.loads(done.stdout)["error"]["outcome"] == "Nothing was sent to Klaviyo."


def test_a_variable_of_another_program_is_a_warning(examine, command) -> None:
    _, checks = examine(KLAVIYO_SHOP_NUMBER="7")
    assert checks["environment"]["status"] == "warning"
    done = command("call", "get_lists", "--sandbox", KLAVIYO_SHOP_NUMBER="7")
    assert done.returncode == 0
    assert "KLAVIYO_SHOP_NUMBER is not a setting of klaviyo-mcp" in done.stderr
    assert command("call", "get_lists", "--sandbox", KLAVIYO_MCP_NUMBER="7").returncode == 2
