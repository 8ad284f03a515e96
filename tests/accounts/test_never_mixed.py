"""Two accounts never mix, however their calls, refreshes and reconnections interleave. Hypothesis draws the story."""

import tempfile
import time
from pathlib import Path
from typing import Any

import anyio
import httpx2
from hypothesis import given, settings
from hypothesis import strategies as st

from klaviyo_mcp.accounts.connect import join
from klaviyo_mcp.accounts.connections import ConnectedAccounts
from klaviyo_mcp.accounts.endpoint import Endpoint
from klaviyo_mcp.accounts.errors import AccountProblem
from klaviyo_mcp.accounts.records import ApiKey, Company, Grant, Secret
from klaviyo_mcp.accounts.vault import Vault, open_vault
from klaviyo_mcp.klaviyo.errors import AuthenticationFailed
from klaviyo_mcp.klaviyo.pool import HttpPool
from klaviyo_mcp.klaviyo.requests import ApiRequest, WaitBudget

NAMES = ("first", "second", "third")
ACTS = ("call", "age", "refuse", "reconnect", "swap")


class Provider:
    """A Klaviyo of three companies: each answers with its own name, to its own tokens only."""

    def __init__(self) -> None:
        self.tokens: dict[str, str] = {}
        self.made = 0

    def grant(self, company: str) -> Grant:
        self.made += 1
        token = f"{company}/access/{self.made}"
        self.tokens[token] = company
        now = time.time()
        return Grant(
            "app",
            Secret("s"),
            "https://k/oauth/token",
            "https://k/oauth/revoke",
            ("accounts:read",),
            Secret(token),
            Secret(f"{company}/refresh"),
            now + 3600,
            now - 100,
        )

    async def answer(self, request: httpx2.Request) -> httpx2.Response:
        await anyio.lowlevel.checkpoint()
        if request.url.path == "/oauth/token":
            fields = dict(part.split("=") for part in (await request.aread()).decode().split("&"))
            company = fields["refresh_token"].split("%2F")[0]
            self.made += 1
            token = f"{company}/access/{self.made}"
            self.tokens[token] = company
            return httpx2.Response(200, json={"access_token": token, "expires_in": 3600, "token_type": "Bearer"})
        await anyio.lowlevel.checkpoint()
        token = request.headers["Authorization"].split(" ")[1]
        company = token.removeprefix("key/") if token.startswith("key/") else self.tokens.get(token)
        if company is None:
            return httpx2.Response(401, json={"errors": [{"code": "authentication_failed", "detail": "no"}]})
        return httpx2.Response(200, json={"data": [{"type": "account", "id": company}], "asked": token})


async def tell(story: list[list[tuple[str, int]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        provider = Provider()
        vault = open_vault(Path(folder))
        # Fewer stay open than there are, so that they are also forgotten and opened again in the midst of calls.
        endpoint = Endpoint("https://k", HttpPool(httpx2.MockTransport(provider.answer)), pace=False)
        accounts = ConnectedAccounts(vault, endpoint, most_open=2)
        owner = {name: f"company-{name}" for name in NAMES}
        for name in NAMES:
            await put(vault, provider, name, owner[name], oauth=name != "third")
        for scene in story:
            async with anyio.create_task_group() as group:
                for act, index in scene:
                    if act in ("call", "refuse"):
                        group.start_soon(play, act, NAMES[index], accounts, provider, owner)
            for act, index in scene:
                if act not in ("call", "refuse"):
                    await change(act, NAMES[index], vault, provider, owner)
        await accounts.close()


async def play(act: str, name: str, accounts: ConnectedAccounts, provider: Provider, owner: dict[str, str]) -> None:
    account = await accounts.find(name)
    if act == "refuse":
        for token in [token for token, company in provider.tokens.items() if company == owner[name]]:
            del provider.tokens[token]
    try:
        reply = await account.client.send(ApiRequest("GET", "/api/accounts"), WaitBudget(1))
    except (AuthenticationFailed, AccountProblem):
        return
    assert reply.document["data"][0]["id"] == owner[name]
    assert owner[name] in reply.document["asked"]


async def change(act: str, name: str, vault: Vault, provider: Provider, owner: dict[str, str]) -> None:
    if act == "age":
        connection = await vault.read(name)
        assert connection is not None
        if connection.grant is not None:
            await vault.write(connection.with_grant(expires_at=time.time() - 1))
    elif act == "reconnect":
        await put(vault, provider, name, owner[name], oauth=name != "second")
    else:
        # Forgotten, and the name given to another company.
        await vault.remove(name)
        owner[name] = f"company-{name}-{provider.made}"
        await put(vault, provider, name, owner[name], oauth=True)


async def put(vault: Vault, provider: Provider, name: str, company: str, *, oauth: bool) -> None:
    credentials: Any = provider.grant(company) if oauth else ApiKey(Secret(f"key/{company}"))
    await join(vault, credentials, Company(company, company, False), base_url="https://k", name=name)


@settings(max_examples=25)
@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 2)), min_size=1, max_size=6), min_size=1, max_size=6
    )
)
def test_every_answer_is_of_the_account_that_was_asked(story: list[list[tuple[str, int]]]) -> None:
    anyio.run(tell, story)
