"""Puts a running application together from settings and flags: catalogue, registry, engine, accounts."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING

from klaviyo_mcp.registry.loading import load_catalogue
from klaviyo_mcp.registry.model import Confirm
from klaviyo_mcp.registry.registry import Registry
from klaviyo_mcp.registry.tool_names import PrefixError
from klaviyo_mcp.runtime.exposure import Exposure, Wanted, parse_exposure
from klaviyo_mcp.runtime.settings import Settings, SettingsError, read_settings

if TYPE_CHECKING:
    from klaviyo_mcp.accounts.account import Accounts
    from klaviyo_mcp.accounts.endpoint import Endpoint
    from klaviyo_mcp.accounts.records import Connection, Secret
    from klaviyo_mcp.accounts.vault import Vault
    from klaviyo_mcp.actions.engine import Engine
    from klaviyo_mcp.answers.kept_answers import KeptAnswers
    from klaviyo_mcp.klaviyo.shared_ledger import QuotaServer
    from klaviyo_mcp.runtime.audit import Audit


@dataclass(frozen=True, slots=True)
class Selection:
    """What is known before anything that makes calls is loaded: settings, actions, and which are exposed."""

    settings: Settings
    registry: Registry
    exposure: Exposure
    live_checks: bool = True
    user_content: bool = True


@dataclass(frozen=True, slots=True)
class Application:
    """Everything that is needed to answer calls, wherever they come from."""

    settings: Settings
    engine: "Engine"
    accounts: "Accounts"
    exposure: Exposure
    connected: bool = True
    """False when it is known that no account is there yet."""
    audit: "Audit | None" = None
    kept: "KeptAnswers | None" = None
    """Where answers that do not fit are kept whole."""


def select(
    *,
    wanted: Wanted | str = "all",
    read_only: bool = False,
    hide_unavailable: bool = False,
    prefix: str | None = None,
    confirm: Confirm | None = None,
    live_checks: bool = True,
    user_content: bool = True,
    settings: Settings | None = None,
    registry: Registry | None = None,
) -> Selection:
    """Read settings and specs, where they are not given. Raises SettingsError, SpecError or ExposureError.

    `prefix` is used instead of KLAVIYO_MCP_PREFIX, `confirm` instead of KLAVIYO_MCP_CONFIRM.
    `live_checks` False leaves out rules that read the account, as KLAVIYO_MCP_LIVE_CHECKS does,
    `user_content` False what customers wrote, as KLAVIYO_MCP_NO_USER_CONTENT does.
    """
    settings = settings or read_settings()
    registry = registry or registry_of(settings, prefix)
    exposure = parse_exposure(
        wanted,
        registry,
        read_only=read_only,
        hide_unavailable=hide_unavailable,
        confirm=confirm or settings.klaviyo_mcp_confirm,
        policy=settings.klaviyo_mcp_policy,
    )
    exposure = replace(exposure, keeps_answers=settings.klaviyo_mcp_keep_answers > 0)
    return Selection(
        settings,
        registry,
        exposure,
        live_checks and settings.klaviyo_mcp_live_checks == "on",
        user_content and settings.klaviyo_mcp_no_user_content == "off",
    )


def assemble(
    selection: Selection | None = None,
    *,
    sandbox: bool = False,
    account: str | None = None,
    read_only: bool = False,
    called: "Callable[[Connection], str] | None" = None,
    most_open: int | None = None,
    trusted_for: float = 0.0,
) -> Application:
    """The engine for a selection, all actions by default, and which accounts there are. Raises what `select` does.

    `called` says what accounts of the vault are called, where that is not the name of their connection. `most_open` is
    how many of them stay open at a time, `trusted_for` how many seconds what was read of them holds: see
    ConnectedAccounts.
    """
    from klaviyo_mcp.actions.confirmation import Confirmations
    from klaviyo_mcp.actions.engine import Engine  # a server has listed its tools when this is loaded
    from klaviyo_mcp.actions.on_redis import CountsOnRedis, SpentOnRedis

    selection = selection or select(read_only=read_only)
    settings, exposure = selection.settings, selection.exposure
    endpoint = _endpoint(settings)
    # A sandbox is of this process, whatever others there are.
    server = None if sandbox else endpoint.quota_server
    engine = Engine(
        selection.registry,
        exposes=exposure.reaches,
        read_only=exposure.read_only,
        max_wait=settings.klaviyo_mcp_max_wait,
        longest=settings.klaviyo_mcp_call_timeout,
        confirmations=Confirmations(exposure.confirm, SpentOnRedis(server) if server else None),
        policy=exposure.policy,
        counts=CountsOnRedis(server) if server else None,
        live_checks=selection.live_checks,
        user_content=selection.user_content,
    )
    accounts, connected = _accounts(settings, endpoint, sandbox, account, called, most_open, trusted_for)
    kept = _kept(settings.klaviyo_mcp_keep_answers, server, user_content=selection.user_content)
    return Application(settings, engine, accounts, exposure, connected, _audit(settings), kept)


def _kept(seconds: float, server: "QuotaServer | None", *, user_content: bool) -> "KeptAnswers | None":
    """Where whole answers are kept: by this process, or where it counts the quota with others."""
    from klaviyo_mcp.answers.kept_answers import InMemory, KeptAnswers, OnRedis

    if seconds <= 0:
        return None
    return KeptAnswers(OnRedis(server) if server else InMemory(), seconds, user_content)


def _audit(settings: Settings) -> "Audit | None":
    """Where calls are written down. Raises SettingsError for a file that cannot be written."""
    if settings.klaviyo_mcp_audit_file is None:
        return None
    from klaviyo_mcp.runtime.audit import Audit  # with what answers calls, which is loaded once tools are listed
    from klaviyo_mcp.runtime.audit_file import AuditFile, AuditProblem

    file = AuditFile(settings.klaviyo_mcp_audit_file.expanduser().absolute())
    try:
        file.prepare()
    except AuditProblem as problem:
        raise SettingsError(f"KLAVIYO_MCP_AUDIT_FILE: {problem}.") from None
    return Audit(file, reads=settings.klaviyo_mcp_audit_reads == "on")


def names_no_account(settings: Settings, *, sandbox: bool) -> bool:
    """Whether there is one account and no other, so that no call names one."""
    return sandbox or settings.klaviyo_api_key is not None


def registry_of(settings: Settings, prefix: str | None = None) -> Registry:
    """The actions, under names with the prefix given, else that of the settings. Raises SettingsError, SpecError."""
    try:
        return Registry(load_catalogue(), settings.klaviyo_mcp_prefix if prefix is None else prefix)
    except PrefixError as error:
        raise SettingsError(f"{'KLAVIYO_MCP_PREFIX' if prefix is None else '--prefix'}: {error}.") from None


def _accounts(
    settings: Settings,
    endpoint: "Endpoint",
    sandbox: bool,
    name: str | None,
    called: "Callable[[Connection], str] | None",
    most_open: int | None,
    trusted_for: float,
) -> "tuple[Accounts, bool]":
    """The sandbox's, or the one of KLAVIYO_API_KEY, or those in the vault, and whether there may be any.

    A vault is opened for the last alone, and not before the first call.
    """
    from klaviyo_mcp.accounts.account import OneAccount, open_account

    key = settings.klaviyo_api_key
    kept = "sandbox" if sandbox else "default" if key else None
    if kept and name not in (None, kept):
        why = "--sandbox has one account" if sandbox else "KLAVIYO_API_KEY is set and is used instead of connected ones"
        raise SettingsError(f"There is no account named {name!r}: {why}, named {kept!r}.")
    if sandbox:
        # The simulated Klaviyo is loaded only when it is asked for.
        from klaviyo_mcp.runtime.sandbox import sandbox_account

        return sandbox_account(pace=endpoint.pace, kept=endpoint.kept), True
    if key:
        secret, company = key.get_secret_value(), settings.klaviyo_company_id
        # Without the company's id, only the same key is known to be the same company's.
        whose = company or f"key {sha256(secret.encode()).hexdigest()[:24]}"
        account = open_account("default", endpoint, api_key=secret, company_id=company, counted_as=whose)
        return OneAccount(account, endpoint), True
    from klaviyo_mcp.accounts.connections import MOST_OPEN, ConnectedAccounts  # only a vault needs it; 17 ms

    vault = vault_of(settings)
    names = vault.names_now()
    if names is not None and name is not None and name not in names:
        there = f"there are: {', '.join(names)}" if names else "none is connected yet"
        raise SettingsError(f"There is no account named {name!r}; {there}. Connect one with 'klaviyo-mcp connect'.")
    accounts = ConnectedAccounts(
        vault,
        endpoint,
        fixed=name,
        app=oauth_app_of(settings),
        company_id=settings.klaviyo_company_id,
        base_url=settings.klaviyo_base_url if "klaviyo_base_url" in settings.model_fields_set else None,
        called=called,
        most_open=most_open or MOST_OPEN,
        trusted_for=trusted_for,
    )
    return accounts, names != []


def _endpoint(settings: Settings) -> "Endpoint":
    from klaviyo_mcp.accounts.endpoint import Endpoint
    from klaviyo_mcp.klaviyo.kept import KeptReplies
    from klaviyo_mcp.klaviyo.pool import HttpPool
    from klaviyo_mcp.klaviyo.shared_ledger import QuotaServer

    url = settings.klaviyo_mcp_quota_url
    return Endpoint(
        settings.klaviyo_base_url,
        HttpPool(longest=settings.klaviyo_mcp_request_timeout, largest=settings.klaviyo_mcp_max_answer),
        pace=settings.klaviyo_mcp_quota == "on",
        quota_server=QuotaServer(url.get_secret_value()) if url else None,
        kept=KeptReplies(settings.klaviyo_mcp_keep),
    )


def oauth_app_of(settings: Settings) -> "tuple[str, Secret] | None":
    """Client id and secret of the settings, when both are set."""
    from klaviyo_mcp.accounts.records import Secret

    if settings.klaviyo_client_id is None or settings.klaviyo_client_secret is None:
        return None
    return settings.klaviyo_client_id, Secret(settings.klaviyo_client_secret.get_secret_value())


def vault_of(settings: Settings) -> "Vault":
    """The vault of the settings; nothing is opened yet."""
    from klaviyo_mcp.accounts.vault import open_vault

    url, key = settings.klaviyo_mcp_vault_url, settings.klaviyo_mcp_vault_key
    return open_vault(
        settings.klaviyo_mcp_home,
        url=url.get_secret_value() if url else None,
        key=key.get_secret_value() if key else None,
    )
