"""Connecting, listing, choosing and disconnecting accounts, as a person at a terminal does it. Real processes."""

import ctypes
import json
import os
import subprocess
import sys

import pytest
from tests.catalogue import CATALOGUE
from tests.warm import PROGRAM

from klaviyo_mcp.cli.scope_choice import choose_scopes
from klaviyo_mcp.runtime.settings import SettingsError


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def run(command, klaviyo, home):
    """The command line with the settings of an OAuth app, and a home of its own."""
    klaviyo.begin()

    def use(*words, **more):
        return command(*words, **{**klaviyo.environment(home), **more})

    return use


@pytest.fixture
def consent(klaviyo, home):
    """`consent("--scopes", "read")` connects without a browser: it pastes what `answers` makes of the right answer."""
    klaviyo.begin()

    def use(*flags, answers=lambda right: [right], company="DEMO01", allow=True, **more):
        words = [*PROGRAM, "connect", "--no-browser", "--port", str(klaviyo.port), *flags]
        environment = {**os.environ, **klaviyo.environment(home), **more}
        pipe = subprocess.PIPE
        with subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=environment) as process:
            shown = []
            for line in process.stdout:
                shown.append(line)
                if "paste it here" in line:
                    break
            else:
                return subprocess.CompletedProcess(words, process.wait(), "".join(shown), process.stderr.read())
            url = next(line.strip() for line in shown if line.startswith("http"))
            klaviyo.control("oauth", auto_approve=True, company_id=company)
            lines = answers(klaviyo.consented(url) if allow else "")
            out, err = process.communicate("".join(f"{line}\n" for line in lines), timeout=60)
            done = subprocess.CompletedProcess(words, process.returncode, "".join(shown) + out, err)
            assert "sEcReT" not in done.stdout + done.stderr
            return done

    return use


def test_an_account_is_connected_without_a_browser_and_used_from_then_on(consent, run, klaviyo) -> None:
    done = consent("--scopes", "lists:read,lists:write")
    assert done.returncode == 0, done.stderr
    assert klaviyo.redirect_uri in done.stdout
    assert "Juniper & Pine (DEMO01) is connected as 'juniper-pine'. It is a test account." in done.stdout
    assert "It may read and change lists; read accounts." in done.stdout
    for setting in ("KLAVIYO_CLIENT_ID", "KLAVIYO_CLIENT_SECRET"):
        assert run("call", "get_lists", **{setting: ""}).returncode == 0, "the vault has all that is needed"
    refused = run("call", "get_profiles")
    assert refused.returncode == 1
    error = json.loads(refused.stdout)["error"]
    assert error["code"] == "scope_missing"
    assert error["scopes_needed"] == ["profiles:read"]
    assert (
        "klaviyo-mcp connect --name juniper-pine --scopes accounts:read,lists:read,lists:write,profiles:read"
        in (error["next_step"])
    )
    assert "Nothing was sent" in error["outcome"]


def test_a_wrong_state_connects_nothing_and_the_right_one_may_still_come(consent, run) -> None:
    def answers(right):
        return [right.replace("state=", "state=x"), "nonsense", right]

    done = consent(answers=answers)
    assert done.returncode == 0
    assert done.stdout.count("does not belong to the sign-in that is under way") == 2
    assert len(json.loads(run("accounts", "--json").stdout)) == 1


def test_no_right_answer_connects_nothing(consent, run) -> None:
    done = consent(answers=lambda right: ["a", "b", "c", right])
    assert done.returncode == 1
    assert "No address with Klaviyo's answer was pasted" in done.stderr
    assert json.loads(run("accounts", "--json").stdout) == []


def test_a_code_that_expired_is_told(consent, klaviyo) -> None:
    def answers(right):
        klaviyo.control("clock", advance=120)
        return [right]

    done = consent(answers=answers)
    assert done.returncode == 1
    assert "it has expired, or was used before" in done.stderr


def test_a_denial_is_told(consent, klaviyo) -> None:
    def answers(right):
        return [right.split("?")[0] + "?error=access_denied&" + right.split("&")[-1]]

    done = consent(answers=answers)
    assert done.returncode == 1
    assert "You chose not to give klaviyo-mcp access" in done.stderr


def test_a_wrong_client_secret_is_told(consent) -> None:
    done = consent(KLAVIYO_CLIENT_SECRET="sEcReT-wrong")
    assert done.returncode == 1
    assert "invalid_client" in done.stderr
    assert "KLAVIYO_CLIENT_SECRET" in done.stderr


def test_a_key_comes_from_stdin_and_never_from_an_argument(run, klaviyo, home) -> None:
    assert run("connect", "--api-key", klaviyo.api_key[:9]).returncode == 2
    done = run("connect", "--api-key", "--name", "shop", stdin=f"{klaviyo.api_key}\n")
    assert done.returncode == 0, done.stderr
    assert "is connected as 'shop'" in done.stdout
    assert json.loads(run("call", "get_accounts").stdout)["records"][0]["id"] == "DEMO01"
    for path in home.rglob("*"):
        assert not path.is_file() or klaviyo.api_key not in path.read_text("utf-8")


@pytest.mark.parametrize(("key", "says"), [("pk_wrong", "does not accept this key"), ("", "not an API key")])
def test_a_key_that_does_not_work_is_not_kept(run, key, says) -> None:
    done = run("connect", "--api-key", stdin=f"{key}\n")
    assert done.returncode in (1, 2)
    assert says in done.stderr
    assert json.loads(run("accounts", "--json").stdout) == []


def test_what_a_key_may_not_do_is_learned_and_remembered(run, klaviyo) -> None:
    assert run("connect", "--api-key", "--name", "reader", stdin="pk_sandbox_readonly\n").returncode == 0
    arguments = ("call", "create_list", "--json", '{"name": "x"}')
    first = json.loads(run(*arguments).stdout)["error"]
    assert (first["code"], first["status"]) == ("permission_denied", 403)
    before = klaviyo.seen("*")
    second = json.loads(run(*arguments).stdout)["error"]
    assert second["code"] == "scope_missing"
    assert "lists:write" in second["message"]
    assert klaviyo.seen("*") == before, "nothing was sent"
    assert run("connect", "--api-key", "--name", "reader", stdin=f"{klaviyo.api_key}\n").returncode == 0
    assert run(*arguments).returncode == 0, "a new key begins without a past"


def test_several_accounts_are_listed_chosen_and_disconnected(consent, run, klaviyo) -> None:
    consent("--scopes", "read")
    run("connect", "--api-key", stdin="pk_sandbox_other\n")
    listed = json.loads(run("accounts", "--json").stdout)
    assert [(row["name"], row["default"], row["account_id"]) for row in listed] == [
        ("juniper-pine", True, "DEMO01"),
        ("lumen-coffee", False, "OTHER1"),
    ]
    assert {"company", "connection", "scopes", "last_used", "token_expires", "test_account"} <= set(listed[0])
    assert json.loads(run("call", "get_accounts").stdout)["records"][0]["id"] == "DEMO01"
    other = run("call", "get_accounts", "--account", "lumen-coffee")
    assert json.loads(other.stdout)["records"][0]["id"] == "OTHER1"
    assert json.loads(run("accounts", "--json").stdout)[1]["last_used"]
    assert run("accounts", "default", "lumen-coffee").returncode == 0
    assert json.loads(run("call", "get_accounts").stdout)["records"][0]["id"] == "OTHER1"
    assert run("call", "get_lists", "--account", "acme").returncode == 2
    before = klaviyo.seen("oauth_revoke")
    assert "given back" in run("disconnect", "juniper-pine").stdout
    assert klaviyo.seen("oauth_revoke") == before + 1
    assert "API key still works" in run("disconnect", "lumen-coffee").stdout
    assert json.loads(run("accounts", "--json").stdout) == []
    assert run("disconnect", "lumen-coffee").returncode == 1


def test_a_name_is_never_given_to_another_company_by_accident(consent, run, klaviyo) -> None:
    consent("--name", "shop")
    before = klaviyo.seen("oauth_revoke")
    done = consent("--name", "shop", company="OTHER1")
    assert done.returncode == 1
    assert "'shop' is the account Juniper & Pine (DEMO01)" in done.stderr
    assert klaviyo.seen("oauth_revoke") == before + 1, "the grant that is not kept is given back"
    assert json.loads(run("call", "get_accounts").stdout)["records"][0]["id"] == "DEMO01"


def test_a_grant_that_cannot_be_given_back_is_kept_unless_it_is_to_be_forgotten(consent, run, klaviyo) -> None:
    consent()
    klaviyo.fail({"operation": "oauth_revoke", "fault": "status", "status": 503})
    done = run("disconnect", "juniper-pine")
    assert done.returncode == 1
    assert "still connected" in done.stderr
    assert "--forget" in done.stderr
    assert run("disconnect", "juniper-pine", "--forget").returncode == 0


def test_a_damaged_record_is_listed_with_what_to_do_and_can_be_replaced(consent, run, home) -> None:
    consent()
    run("connect", "--api-key", stdin="pk_sandbox_other\n")
    path = home / "vault" / "accounts" / "juniper-pine.json"
    path.write_text(path.read_text()[:80])
    done = run("accounts")
    assert done.returncode == 1
    assert "The record of 'juniper-pine' cannot be read" in done.stdout
    assert "Lumen Coffee (OTHER1)" in done.stdout
    assert run("call", "get_accounts", "--account", "lumen-coffee").returncode == 0
    assert run("accounts", "rekey").returncode == 1
    assert consent("--name", "juniper-pine").returncode == 0
    assert run("accounts", "rekey").returncode == 0
    assert run("call", "get_accounts", "--account", "juniper-pine").returncode == 0


def test_accounts_on_redis_are_there_for_every_machine(run, redis_server, klaviyo, tmp_path) -> None:
    shared = {"KLAVIYO_MCP_VAULT_URL": redis_server.url, "KLAVIYO_MCP_VAULT_KEY": klaviyo.vault_key}
    assert run("connect", "--api-key", stdin=f"{klaviyo.api_key}\n", **shared).returncode == 0
    elsewhere = {**shared, "KLAVIYO_MCP_HOME": str(tmp_path / "another")}
    assert run("call", "get_accounts", **elsewhere).returncode == 0
    redis_server.stop()
    gone = run("call", "get_accounts", **elsewhere)
    assert gone.returncode == 1
    assert "cannot be reached" in gone.stderr


@pytest.fixture
def read_only(home):
    """`read_only(words)` runs a command that cannot write `home`, also as root, who could otherwise."""

    def give_up_root() -> None:
        ctypes.CDLL(None).prctl(24, 1, 0, 0, 0)  # PR_CAPBSET_DROP, CAP_DAC_OVERRIDE

    def run(*words, stdin="", **environment):
        folders = [home, *(path for path in home.rglob("*") if path.is_dir())]
        for folder in folders:
            folder.chmod(0o500)
        try:
            return subprocess.run(
                [sys.executable, "-m", "klaviyo_mcp", *words],
                capture_output=True,
                text=True,
                input=stdin,
                env={**os.environ, **environment},
                check=False,
                timeout=60,
                preexec_fn=give_up_root if os.geteuid() == 0 else None,
            )
        finally:
            for folder in folders:
                folder.chmod(0o700)

    return run


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="gives up root in Linux's way")
def test_a_home_that_cannot_be_written(read_only, klaviyo, home, run) -> None:
    klaviyo.begin()
    home.mkdir()
    environment = klaviyo.environment(home / "data")
    for flags in (["--api-key"], ["--no-browser"]):
        done = read_only("connect", *flags, stdin=f"{klaviyo.api_key}\n", **environment)
        assert done.returncode == 1, (done.stdout, done.stderr)
        assert f"{home}/data cannot be written" in done.stderr
        assert "KLAVIYO_MCP_HOME" in done.stderr
    used = read_only("call", "get_accounts", **environment, KLAVIYO_API_KEY=klaviyo.api_key)
    assert used.returncode == 0, "a key in the environment needs no vault"
    environment = klaviyo.environment(home)
    assert run("connect", "--api-key", stdin=f"{klaviyo.api_key}\n").returncode == 0
    used = read_only("call", "get_accounts", **environment)
    assert used.returncode == 0, used.stderr
    assert "cannot be written" in read_only("doctor", **environment).stdout


def test_without_an_app_it_is_said_how_to_get_one(command, home) -> None:
    done = command("connect", "--port", "9123", KLAVIYO_MCP_HOME=str(home))
    assert done.returncode == 2
    for part in ("http://127.0.0.1:9123/callback", "KLAVIYO_CLIENT_ID", "--api-key"):
        assert part in done.stderr


def test_an_account_goes_to_its_own_server_only(run, klaviyo) -> None:
    run("connect", "--api-key", stdin=f"{klaviyo.api_key}\n")
    done = run("call", "get_accounts", KLAVIYO_BASE_URL="http://127.0.0.1:1")
    assert done.returncode == 1
    assert "KLAVIYO_BASE_URL is http://127.0.0.1:1" in done.stderr


def test_a_key_in_the_environment_wins_and_opens_no_vault(run, klaviyo, home) -> None:
    done = run("call", "get_accounts", KLAVIYO_API_KEY="pk_sandbox_other")
    assert json.loads(done.stdout)["records"][0]["id"] == "OTHER1"
    assert not home.exists()
    done = run("call", "get_accounts", "--account", "shop", KLAVIYO_API_KEY="pk_sandbox_other")
    assert done.returncode == 2
    assert "KLAVIYO_API_KEY is set" in done.stderr


def test_scopes_are_those_of_the_actions_and_no_more() -> None:
    specs = [*CATALOGUE]
    every = {scope for spec in specs for scope in spec.scopes}
    assert set(choose_scopes("all", specs)) == every
    read = choose_scopes("read", specs)
    assert set(read) == {scope for spec in specs if spec.effect == "read" for scope in spec.scopes}
    marketing = choose_scopes("marketing", specs)
    assert {"campaigns:write", "profiles:read"} <= set(marketing) < every
    assert "data-privacy:write" not in marketing
    assert choose_scopes("lists:read", specs) == ["accounts:read", "lists:read"]
    assert "lists:write" in choose_scopes("lists", specs)
    with pytest.raises(SettingsError, match="did you mean 'lists:read'"):
        choose_scopes("list:read", specs)
    with pytest.raises(SettingsError, match="needs read"):
        choose_scopes(",", specs)
