"""What the operator does at a terminal, beside instances that go on working: see all grants, end some, sweep."""

import json

import pytest
from tests.authorization.driving import ISSUER, OWN_SECRET, App, error_of
from tests.authorization.test_managing import signed_in

from klaviyo_mcp.accounts.vault import open_vault
from klaviyo_mcp.authorization.levels import Levels


@pytest.fixture
def run(command, fresh, tmp_path):
    """The command line with the settings of the instance."""
    settings = {
        "KLAVIYO_MCP_PUBLIC_URL": ISSUER,
        "KLAVIYO_MCP_SECRET": OWN_SECRET,
        "KLAVIYO_CLIENT_ID": fresh.client_id,
        "KLAVIYO_CLIENT_SECRET": fresh.client_secret,
        "KLAVIYO_BASE_URL": fresh.url,
        "KLAVIYO_OAUTH_BASE_URL": fresh.url,
        "KLAVIYO_MCP_HOME": str(tmp_path / "home"),
    }
    return lambda *words, **more: command(*words, **{**settings, **more})


@pytest.fixture
def hosted(run):
    """`klaviyo-mcp hosted …` with them."""
    return lambda *words, **more: run("hosted", *words, **more)


async def test_grants_are_listed_and_those_of_one_account_ended(hosted, service, app, fresh) -> None:
    _, session = await signed_in(service)
    ours, theirs = await app.tokens(level="klaviyo:read"), await app.tokens(company="OTHER1")
    rows = json.loads(hosted("grants", "--json").stdout)
    assert [(row["account_id"], row["client_name"], row["level"]) for row in rows] == [
        ("DEMO01", "", "klaviyo:full"),
        ("DEMO01", "Juniper", "klaviyo:read"),
        ("OTHER1", "Juniper", "klaviyo:full"),
    ]
    shown = hosted("grants")
    assert "Juniper & Pine  Juniper  klaviyo:read" in shown.stdout
    assert shown.stderr == "3 grants of 2 accounts.\n"
    done = hosted("revoke", "--account", "DEMO01", "--yes")
    assert done.stdout == "2 grants of 1 accounts are ended.\n"
    service.clock.pass_(5)
    assert await service.server.verify(ours["access_token"]) is None
    assert error_of(await app.refresh(ours["refresh_token"])) == "invalid_grant"
    assert await service.server.verify(theirs["access_token"])
    assert fresh.seen("oauth_revoke") == 0, "others may use the app of this account"
    assert await service.server.connected_clients(session) == []
    assert not [word for word in ("kma_", "kmr_") if word in shown.stdout + done.stdout]


async def test_all_are_ended_and_klaviyo_is_told(hosted, service, app, fresh) -> None:
    await signed_in(service)
    tokens = [await app.tokens(), await app.tokens(company="OTHER1")]
    done = hosted("revoke", "--all", "--at-klaviyo", "--yes")
    assert (done.returncode, done.stdout) == (0, "3 grants of 2 accounts are ended.\n")
    assert fresh.seen("oauth_revoke") == 3
    service.clock.pass_(5)
    for one in tokens:
        assert await service.server.verify(one["access_token"]) is None
    assert await service.vault.names() == []
    assert hosted("revoke", "--all", "--yes").returncode == 1, "there is none"


async def test_grants_end_though_klaviyo_cannot_be_told(hosted, service, app, fresh) -> None:
    tokens = await app.tokens()
    fresh.fail({"operation": "oauth_revoke", "fault": "status", "status": 503})
    done = hosted("revoke", "--all", "--at-klaviyo", "--yes")
    assert done.returncode == 1
    assert "has not taken back those of DEMO01" in done.stderr
    service.clock.pass_(5)
    assert await service.server.verify(tokens["access_token"]) is None


async def test_one_grant_is_ended_by_its_id(hosted, service, app) -> None:
    first, second = await app.tokens(), await app.tokens()
    access = await service.server.verify(first["access_token"])
    assert hosted("revoke", "--grant", access.grant_id, "--yes").returncode == 0
    service.clock.pass_(5)
    assert await service.server.verify(first["access_token"]) is None
    assert await service.server.verify(second["access_token"])


async def test_nothing_ends_without_a_yes_or_without_saying_which(hosted, service, app) -> None:
    tokens = await app.tokens()
    assert hosted("revoke", "--all").returncode == 1, "nobody answers"
    assert hosted("revoke", "--yes").returncode == 2
    assert hosted("revoke", "--all", "--account", "DEMO01", "--yes").returncode == 2
    assert hosted("revoke", "--grant", "0" * 32, "--at-klaviyo", "--yes").returncode == 2
    assert hosted("revoke", "--grant", "0" * 32, "--yes").returncode == 1
    service.clock.pass_(5)
    assert await service.server.verify(tokens["access_token"])


async def test_sealed_anew_at_the_terminal_an_old_secret_can_go(hosted, service, app) -> None:
    idle = await service.register(client_name="Idle")
    tokens = await app.tokens()
    replaced = (await app.refresh(tokens["refresh_token"])).body
    new = "n" * 32
    done = hosted("reseal", KLAVIYO_MCP_SECRET=f"{new},{OWN_SECRET}")
    assert "and 4 registrations and refresh tokens" in done.stdout
    assert len(json.loads(hosted("grants", "--json", KLAVIYO_MCP_SECRET=new).stdout)) == 1
    after = service.another(secrets=(new,))
    client = App(after, app.client_id)
    assert (await client.refresh(replaced["refresh_token"])).status == 200
    unknown = await App(after, idle["client_id"]).refresh("kmr_x")
    assert error_of(unknown) == "invalid_grant", "the client is known"
    early = hosted("grants", KLAVIYO_MCP_SECRET="o" * 32)
    assert early.returncode == 1
    assert "another secret" in early.stderr


async def test_the_vaults_key_is_changed_and_nobody_is_logged_out(run, service, app, fresh, tmp_path) -> None:
    tokens = await app.tokens()
    done = run("accounts", "rekey", KLAVIYO_MCP_VAULT_KEY=fresh.vault_key)
    assert "1 records are sealed with the new key, which is in KLAVIYO_MCP_VAULT_KEY" in done.stdout
    (tmp_path / "home/vault.key").unlink()
    vault = open_vault(tmp_path / "home", key=fresh.vault_key)
    assert (await App(service.another(vault), app.client_id).refresh(tokens["refresh_token"])).status == 200
    await vault.close()


async def test_what_has_run_out_is_swept_at_the_terminal(hosted, service, app) -> None:
    await app.tokens()
    assert hosted("sweep").stdout == "0 grants had run out.\n"


def test_what_to_enter_at_klaviyo_needs_no_app_yet(command, registry) -> None:
    told = json.loads(command("hosted", "app", "--json", KLAVIYO_MCP_PUBLIC_URL=ISSUER).stdout)
    assert told["redirect_uri"] == f"{ISSUER}/oauth/klaviyo/callback"
    assert (told["install_url"], told["manage_url"]) == (f"{ISSUER}/install", f"{ISSUER}/manage")
    assert told["scopes"]["klaviyo:full"] == list(Levels(registry).scopes("klaviyo:full"))
    shown = command("hosted", "app", KLAVIYO_MCP_PUBLIC_URL=ISSUER).stdout
    assert " ".join(told["scopes"]["klaviyo:read"]) in shown.splitlines()
    refused = command("hosted", "app")
    assert refused.returncode == 2
    assert "KLAVIYO_MCP_PUBLIC_URL is needed" in refused.stderr
