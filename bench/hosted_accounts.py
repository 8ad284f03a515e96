"""Accounts that are connected to the hosted service without anyone's consent, in the store it is going to use."""

import time
from hashlib import sha256
from pathlib import Path
from secrets import token_hex

from klaviyo_mcp.accounts.records import Company, Connection, Grant, Secret
from klaviyo_mcp.accounts.vault import open_vault
from klaviyo_mcp.authorization.client import Client
from klaviyo_mcp.authorization.grants import Grants, McpGrant
from klaviyo_mcp.authorization.pacing import OwnPace
from klaviyo_mcp.authorization.records import Records
from klaviyo_mcp.authorization.sealing import Sealing
from klaviyo_mcp.authorization.tokens import Lives, Tokens

LIFE = 86_400.0
SCOPES = ("accounts:read", "lists:read")


async def connect_accounts(many: int, environment: dict[str, str]) -> tuple[list[str], dict[str, str]]:
    """The access token of each account, and upstream tokens by the hashes of those."""
    url = environment.get("KLAVIYO_MCP_VAULT_URL")
    vault = open_vault(Path(environment["KLAVIYO_MCP_HOME"]), url=url, key=environment["KLAVIYO_MCP_VAULT_KEY"])
    records = Records(vault.store, Sealing([environment["KLAVIYO_MCP_SECRET"]]))
    api = environment["KLAVIYO_BASE_URL"]
    grants = Grants(records, vault, api_url=api, app_scope="company")
    resource = f"{environment['KLAVIYO_MCP_PUBLIC_URL']}/mcp"
    tokens = Tokens(records, grants, resource, Lives(LIFE, LIFE), OwnPace())
    client = Client("bench", "Bench", ("http://127.0.0.1/callback",), "dynamic")
    given: list[str] = []
    upstream: dict[str, str] = {}
    for number in range(many):
        now = time.time()
        pair = Grant(
            client_id=environment["KLAVIYO_CLIENT_ID"],
            client_secret=Secret(environment["KLAVIYO_CLIENT_SECRET"]),
            token_url=f"{api}/oauth/token",
            revoke_url=f"{api}/oauth/revoke",
            scopes=SCOPES,
            access_token=Secret(f"upstream-{number}"),
            refresh_token=Secret(f"refresh-{number}"),
            expires_at=now + LIFE,
            refreshed_at=now,
        )
        company = Company(f"CO{number:04}", f"Company {number}", test_account=False)
        grant = McpGrant(
            grant_id=token_hex(16),
            account_id=f"CO{number:04}",
            user=None,
            company_name=company.name,
            test_account=False,
            client_id=client.client_id,
            client_name=client.name,
            client_domain=None,
            level="klaviyo:read",
            created=now,
            life=LIFE,
        )
        await vault.write(Connection(grant.grant_id, company, api, now, pair))
        await grants.keep(grant)
        access = (await tokens.first(grant.grant_id, client))["access_token"]
        given.append(access)
        upstream[sha256(access.encode()).hexdigest()] = f"upstream-{number}"
    await vault.close()
    return given, upstream
