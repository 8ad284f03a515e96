"""What klaviyo://account tells of accounts and of the server's rules, and that no secret is in it."""

from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest

from klaviyo_mcp.accounts.account import Account, OneAccount, open_account
from klaviyo_mcp.accounts.endpoint import Endpoint
from klaviyo_mcp.accounts.errors import VaultUnavailable
from klaviyo_mcp.accounts.permissions import GrantedAccess, LearnedAccess
from klaviyo_mcp.actions.engine import Engine
from klaviyo_mcp.actions.policy import Cap, Policy, Rule
from klaviyo_mcp.klaviyo.errors import PermissionDenied
from klaviyo_mcp.klaviyo.pool import HttpPool
from klaviyo_mcp.klaviyo.problems import ApiProblem
from klaviyo_mcp.mcp_server.about_account import MOST_ACCOUNTS, about_accounts
from klaviyo_mcp.registry.registry import Registry
from klaviyo_mcp.runtime.exposure import Exposure
from klaviyo_sandbox import API_KEY, OTHER_API_KEY, create_app


@dataclass
class Several:
    """Accounts of one sandbox, by name."""

    opened: dict[str, Account]
    chosen: str | None = None
    broken: list[str] = field(default_factory=list)
    can_be_named = True

    async def names(self) -> list[str]:
        return sorted([*self.opened, *self.broken])

    async def default(self) -> str | None:
        return self.chosen

    async def find(self, name: str | None = None) -> Account:
        if name in self.broken:
            raise VaultUnavailable("The vault does not answer.")
        return self.opened[str(name)]


@pytest.fixture
def endpoint() -> Endpoint:
    return Endpoint("http://sandbox", HttpPool(httpx2.ASGITransport(app=create_app(rate_limits=False))), pace=False)


async def told(registry: Registry, accounts: Any, exposure: Exposure | None = None) -> str:
    return await about_accounts(Engine(registry), exposure or Exposure(), accounts)


async def test_each_account_is_told_with_its_scopes(registry: Registry, endpoint: Endpoint) -> None:
    little = GrantedAccess("coffee", lambda: ["accounts:read", "lists:read"])
    key = LearnedAccess("juniper")
    missing = ApiProblem("permission_denied", "Missing scope", "The key lacks the scope flows:write.")
    await key.learn(["flows:write"], PermissionDenied("answered 403", status=403, problems=(missing,)))
    accounts = Several(
        {
            "juniper": open_account("juniper", endpoint, api_key=API_KEY, access=key),
            "coffee": open_account("coffee", endpoint, api_key=OTHER_API_KEY, access=little),
        },
        chosen="juniper",
        broken=["third"],
    )
    page = await told(registry, accounts)
    coffee, juniper, third = page.split("## ")[1:]
    assert "name one in every call" in page
    assert "Organisation: Lumen Coffee" in coffee
    assert "Time zone: Europe/Berlin" in coffee
    assert "Scopes: accounts:read, lists:read" in coffee
    assert "actions need scopes that it does not have" in coffee
    assert juniper.startswith("juniper (meant when none is named)")
    assert "lacks, as Klaviyo has said: flows:write" in juniper
    assert "Cannot be used: The vault does not answer." in third
    assert not {API_KEY, OTHER_API_KEY} & set(page.split())
    assert API_KEY not in page
    assert OTHER_API_KEY not in page


async def test_of_very_many_accounts_the_rest_is_named(registry: Registry, endpoint: Endpoint) -> None:
    names = [f"shop{number:02}" for number in range(MOST_ACCOUNTS + 2)]
    page = await told(registry, Several({name: open_account(name, endpoint, api_key=API_KEY) for name in names}))
    assert page.count("Organisation: Juniper & Pine") == MOST_ACCOUNTS
    assert "Also connected: shop20, shop21." in page


async def test_what_the_server_does_not_allow_is_told_with_its_rule(registry: Registry, endpoint: Endpoint) -> None:
    accounts = OneAccount(open_account("juniper", endpoint, api_key=API_KEY), endpoint)
    rules = (
        Rule("a", "rule 'no-deletions'", frozenset({"delete_list"}), forbid=True, why="Ask Ada."),
        Rule("b", "rule 'small'", None, frozenset({"write"}), confirm=True, caps=(Cap("recipients", "day", 500),)),
    )
    exposure = Exposure(frozenset({"lists"}), confirm="writes", policy=Policy(rules))
    page = await told(registry, accounts, exposure)
    assert "- Only these toolsets: lists." in page
    assert "- Every write is held back until the user has agreed (confirm_action)." in page
    assert "- rule 'no-deletions' forbids delete_list. Ask Ada." in page
    writes = "all actions of the effect write"
    assert f"- rule 'small' asks the user before {writes}, caps {writes} at 500 recipients a day." in page
    assert "- Nothing is forbidden on this server." in await told(registry, accounts)
