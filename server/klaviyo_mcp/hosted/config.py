"""Whether settings make a hosted service, and what contradicts that: all of it told at once, before anything starts."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from klaviyo_mcp.accounts.records import Secret
from klaviyo_mcp.authorization.clients import known_clients
from klaviyo_mcp.authorization.config import AuthorizationConfig, checked
from klaviyo_mcp.authorization.levels import Levels
from klaviyo_mcp.registry.model import Confirm
from klaviyo_mcp.registry.registry import Registry
from klaviyo_mcp.runtime.settings import Settings, SettingsError, is_loopback


def hosted_config(
    settings: Settings,
    registry: Registry,
    *,
    account: str | None = None,
    sandbox: bool = False,
    confirm: Confirm | None = None,
) -> AuthorizationConfig:
    """The authorization server's config for settings with a public URL; `confirm` stands in for that of the settings.

    `registry` has all actions.

    Raises SettingsError that names everything that keeps this from being a service for many companies.
    """
    problems = list(_contradictions(settings, account=account, sandbox=sandbox))
    if (confirm or settings.klaviyo_mcp_confirm) == "never":
        problems.append(
            "- KLAVIYO_MCP_CONFIRM or --confirm is never: people are told that what is strong waits for a yes."
        )
    try:
        asked_for(settings, registry)
    except SettingsError as error:
        problems.append(f"- {error}")
    if problems:
        raise SettingsError("\n".join(["KLAVIYO_MCP_PUBLIC_URL makes this a hosted service, but:", *problems]))
    issuer, app, secret = (
        settings.klaviyo_mcp_public_url,
        settings.klaviyo_client_id,
        settings.klaviyo_client_secret,
    )
    assert issuer is not None  # noqa: S101 - else there were contradictions, here and below
    assert app is not None  # noqa: S101
    assert secret is not None  # noqa: S101
    clients = settings.klaviyo_mcp_clients
    try:
        return checked(
            AuthorizationConfig(
                issuer=issuer,
                secrets=settings.secrets,
                app_id=app,
                app_secret=Secret(secret.get_secret_value()),
                api_url=settings.klaviyo_base_url,
                oauth_url=settings.klaviyo_oauth_base_url,
                app_scope=settings.klaviyo_mcp_app_scope,
                access_life=settings.klaviyo_mcp_access_life,
                refresh_life=settings.klaviyo_mcp_refresh_life,
                scopes_left_out=_words(settings.klaviyo_mcp_scopes_left_out),
                redirect_schemes=_schemes(settings),
                clients=clients.get_secret_value() if clients else "",
            )
        )
    except ValueError as error:
        raise SettingsError(f"KLAVIYO_MCP_PUBLIC_URL: {error}") from None


def keeps_jobs(settings: Settings) -> bool:
    """Whether there is a place for jobs and files that every instance reaches: one instance alone has its own."""
    return settings.klaviyo_mcp_vault_url is None or settings.klaviyo_mcp_jobs_url is not None


def asked_for(settings: Settings, registry: Registry) -> Levels:
    """The levels, with the scopes that Klaviyo is asked for. Raises SettingsError where some cannot be left out."""
    try:
        return Levels(registry, _words(settings.klaviyo_mcp_scopes_left_out))
    except ValueError as error:
        raise SettingsError(f"KLAVIYO_MCP_SCOPES_LEFT_OUT: {error}") from None


def _contradictions(settings: Settings, *, account: str | None, sandbox: bool) -> Iterator[str]:
    parts = urlsplit(settings.klaviyo_mcp_public_url or "")
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        yield "- KLAVIYO_MCP_PUBLIC_URL must be https: over http tokens could be read on the way."
    if settings.klaviyo_client_id is None or settings.klaviyo_client_secret is None:
        yield "- KLAVIYO_CLIENT_ID and KLAVIYO_CLIENT_SECRET of your app at Klaviyo are needed."
    if settings.klaviyo_mcp_secret is None:
        yield "- KLAVIYO_MCP_SECRET is needed, such as: openssl rand -base64 32"
    if settings.klaviyo_mcp_vault_url is not None and settings.klaviyo_mcp_vault_key is None:
        yield "- KLAVIYO_MCP_VAULT_KEY is needed beside KLAVIYO_MCP_VAULT_URL: all instances have to share it."
    elif settings.klaviyo_mcp_jobs_url is not None and settings.klaviyo_mcp_vault_key is None:
        yield "- KLAVIYO_MCP_VAULT_KEY is needed beside KLAVIYO_MCP_JOBS_URL: what is kept there is sealed with it."
    if settings.klaviyo_api_key is not None:
        yield "- KLAVIYO_API_KEY is set: every caller would share that one account. Unset it."
    if settings.klaviyo_company_id is not None:
        yield "- KLAVIYO_COMPANY_ID is set: it would be used for every company. Unset it."
    if settings.klaviyo_mcp_http_token is not None:
        yield "- KLAVIYO_MCP_HTTP_TOKEN is set: clients have tokens of their own here. Unset it."
    if settings.klaviyo_mcp_files is not None:
        yield "- KLAVIYO_MCP_FILES is set: every company could name every file of it. Unset it; people upload theirs."
    if settings.klaviyo_mcp_clients is not None:
        try:
            known_clients(settings.klaviyo_mcp_clients.get_secret_value(), _schemes(settings))
        except ValueError as error:
            yield f"- {error}"
    if account is not None:
        yield "- --account names one account; here each client has that of its own connection."
    if sandbox:
        yield "- --sandbox has one account; 'serve --hosted-demo' runs the service against a sandbox."


def _schemes(settings: Settings) -> frozenset[str]:
    return _words(settings.klaviyo_mcp_redirect_schemes)


def _words(text: str) -> frozenset[str]:
    return frozenset(part.strip() for part in text.split(",") if part.strip())
