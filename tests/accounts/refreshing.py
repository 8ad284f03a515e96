"""A process of its own that uses the account in a vault once, and can be killed at a step of the refresh.

Its arguments: the folder or the Redis URL of the vault, and the step to be killed at, if any. It prints the id of the
company that answered. It waits for the file `go` beside the vault, so that several can begin at once.
"""

import os
import signal
import sys
import time
from pathlib import Path

import anyio

from klaviyo_mcp.accounts import oauth, stores, tokens
from klaviyo_mcp.accounts.connections import ConnectedAccounts
from klaviyo_mcp.accounts.vault import Vault, open_vault
from klaviyo_mcp.klaviyo.requests import ApiRequest, WaitBudget

STEPS = ("before_lock", "locked", "before_request", "answered", "before_write", "before_rename", "written")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def arrange(step: str) -> None:
    """Make the process die at a step."""
    refresh, write, renewed = oauth.OAuthApp.refresh, Vault.write, tokens.TokenKeeper._refresh

    async def before_lock(self, stale):
        die()

    async def locked(self, grant):
        die()

    async def before_request(self, refresh_token, scopes):
        die()

    async def answered(self, refresh_token, scopes):
        await refresh(self, refresh_token, scopes)
        die()

    async def before_write(self, connection):
        die()

    async def written(self, connection):
        await write(self, connection)
        die()

    match step:
        case "before_lock":
            tokens.TokenKeeper._renew_in_vault = before_lock
        case "locked":
            tokens.TokenKeeper._refresh = locked
        case "before_request":
            oauth.OAuthApp.refresh = before_request
        case "answered":
            oauth.OAuthApp.refresh = answered
        case "before_write":
            Vault.write = before_write
        case "written":
            Vault.write = written
        case "before_rename":

            async def dying(self, grant):
                Path.replace = lambda *_: die()
                await renewed(self, grant)

            tokens.TokenKeeper._refresh = dying


async def main(place: str, go: Path, step: str) -> None:
    shared = place.startswith("redis:")
    vault = open_vault(None if shared else Path(place), url=place if shared else None, key=os.environ.get("VAULT_KEY"))
    accounts = ConnectedAccounts(vault)
    await vault.names()
    print("ready", flush=True)
    while not go.exists():
        time.sleep(0.002)
    arrange(step)
    account = await accounts.find()
    reply = await account.client.send(ApiRequest("GET", "/api/accounts"), WaitBudget(5))
    print(reply.document["data"][0]["id"], flush=True)
    await accounts.close()


stores.LOCK_LIFE = float(os.environ.get("LOCK_LIFE", stores.LOCK_LIFE))
anyio.run(main, sys.argv[1], Path(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else "")
