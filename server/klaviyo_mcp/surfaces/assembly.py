"""Puts a running whole together from settings and flags: catalogue, registry, engine, account."""

from dataclasses import dataclass

import httpx2

from klaviyo_mcp.accounts.account import Account, open_account
from klaviyo_mcp.actions.engine import Engine
from klaviyo_mcp.actions.registry import Registry
from klaviyo_mcp.spec.loading import load_catalogue
from klaviyo_mcp.surfaces.exposure import Exposure, parse_exposure
from klaviyo_mcp.surfaces.settings import Settings, SettingsError, read_settings

SANDBOX_URL = "http://sandbox.localhost"
"""The base URL of the in-process sandbox; no name lookup and no connection is made for it."""


@dataclass(frozen=True, slots=True)
class Whole:
    """Everything a surface needs to answer calls."""

    settings: Settings
    engine: Engine
    account: Account
    exposure: Exposure


def assemble(
    *, sandbox: bool = False, account: str | None = None, expose: str = "all", read_only: bool = False
) -> Whole:
    """Read settings and specs, and open the account. Raises SettingsError, SpecError or ExposureError."""
    settings = read_settings()
    registry = Registry(load_catalogue())
    exposure = parse_exposure(expose, registry, read_only=read_only)
    engine = Engine(
        registry,
        exposed=exposure.callable(registry),
        read_only=read_only,
        max_wait=settings.klaviyo_mcp_max_wait,
    )
    return Whole(settings, engine, _account(settings, sandbox, account), exposure)


def _account(settings: Settings, sandbox: bool, name: str | None) -> Account:
    kept = "sandbox" if sandbox else "default"
    if name not in (None, kept):
        raise SettingsError(
            f"There is no account named {name!r}. This version knows one account, {kept!r}, from KLAVIYO_API_KEY; "
            "connecting more accounts is not there yet."
        )
    pace = settings.klaviyo_mcp_quota == "on"
    if sandbox:
        return sandbox_account(pace=pace)
    key = settings.klaviyo_api_key
    return open_account(
        "default",
        api_key=key.get_secret_value() if key else None,
        base_url=settings.klaviyo_base_url,
        company_id=settings.klaviyo_company_id,
        pace=pace,
    )


def sandbox_account(*, pace: bool = True) -> Account:
    """An account of a sandbox in this process, with the demo shop in it. Its state ends with the process."""
    from klaviyo_mcp.sandbox import API_KEY, COMPANY_ID, create_app

    return open_account(
        "sandbox",
        api_key=API_KEY,
        base_url=SANDBOX_URL,
        company_id=COMPANY_ID,
        pace=pace,
        transport=httpx2.ASGITransport(app=create_app()),
    )
