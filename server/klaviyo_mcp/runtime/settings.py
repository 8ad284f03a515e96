"""All settings, read once from the environment. A setting we do not know is an error, never ignored.

`KLAVIYO_*` says which account, `KLAVIYO_MCP_*` how the server behaves.
"""

import os
from ipaddress import ip_address
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from klaviyo_mcp.loose_json import nearest


class SettingsError(Exception):
    """Settings that cannot be used; the message lists each with what to do."""


class Settings(BaseSettings):
    """Every setting. Names in the environment are the upper-case names of the fields."""

    model_config = SettingsConfigDict(env_ignore_empty=True, extra="forbid", frozen=True)

    klaviyo_api_key: SecretStr | None = Field(None, description="Private API key of the account; starts with pk_.")
    klaviyo_company_id: str | None = Field(
        None, pattern=r"^[A-Za-z0-9]+$", description="Public API key of the account, for actions on /client endpoints."
    )
    klaviyo_base_url: str = Field("https://a.klaviyo.com", description="Where Klaviyo's API is.")
    klaviyo_client_id: str | None = Field(
        None, pattern=r"^[\x21-\x7e]+$", description="Client id of your OAuth app, for connecting accounts."
    )
    klaviyo_client_secret: SecretStr | None = Field(None, description="Client secret of your OAuth app.")
    klaviyo_oauth_base_url: str | None = Field(
        None, description="Where OAuth is, when not at Klaviyo: one URL for consent and tokens alike."
    )
    klaviyo_mcp_home: Path | None = Field(
        None, description="Folder for connected accounts; the platform's folder for application data by default."
    )
    klaviyo_mcp_vault_key: SecretStr | None = Field(
        None, description="Key that seals connected accounts: 32 bytes in base64. NEW,OLD changes it."
    )
    klaviyo_mcp_vault_url: SecretStr | None = Field(
        None, description="Redis that several machines share connected accounts through, such as redis://host:6379/0."
    )
    klaviyo_mcp_max_wait: float = Field(
        30.0, ge=0, le=600, description="Seconds that one call may wait for quota before it is answered with retry_at."
    )
    klaviyo_mcp_quota: Literal["on", "off"] = Field(
        "on", description="off leaves pacing to Klaviyo's own 429 answers instead of counting requests here."
    )
    klaviyo_mcp_allowed_hosts: str = Field(
        "", description="Host headers to accept over HTTP besides localhost, comma-separated, such as mcp.example.org."
    )
    klaviyo_mcp_allowed_origins: str = Field(
        "", description="Origin headers to accept over HTTP besides localhost, comma-separated."
    )
    klaviyo_mcp_http_token: SecretStr | None = Field(
        None, description="Bearer token that HTTP clients must send. Required to listen on anything but localhost."
    )

    klaviyo_mcp_log_format: Literal["text", "json"] = Field("text", description="How lines on stderr are written.")
    klaviyo_mcp_log_level: Literal["debug", "info", "warning", "error"] | None = Field(
        None, description="What is told on stderr. info has a line per call and is what HTTP does; else it is warning."
    )

    @field_validator("klaviyo_api_key", "klaviyo_client_secret", "klaviyo_mcp_http_token", "klaviyo_mcp_vault_key")
    @classmethod
    def fits_a_header(cls, value: SecretStr | None) -> SecretStr | None:
        """A secret with a space or line break inside was copied wrongly; one around it is taken off."""
        if value is None:
            return None
        text = value.get_secret_value().strip()
        if not text or not text.isascii() or any(not mark.isprintable() or mark.isspace() for mark in text):
            raise ValueError("holds spaces or characters that no key has; copy it again")
        return SecretStr(text)

    @field_validator("klaviyo_mcp_vault_url")
    @classmethod
    def is_redis(cls, value: SecretStr | None) -> SecretStr | None:
        """A Redis server: its URL may hold a password, so it is not quoted."""
        if value is not None:
            parts = urlsplit(value.get_secret_value())
            if parts.scheme not in ("redis", "rediss") or not parts.hostname:
                raise ValueError("must be a Redis URL such as redis://localhost:6379/0, or rediss:// for TLS")
        return value

    @field_validator("klaviyo_base_url", "klaviyo_oauth_base_url")
    @classmethod
    def is_http(cls, value: str | None) -> str | None:
        """An absolute URL without a path of its own."""
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
            raise ValueError("must be a URL such as https://a.klaviyo.com")
        return value.rstrip("/")

    @model_validator(mode="after")
    def key_stays_secret(self) -> Self:
        """A real key goes over TLS only; the sandbox's key may go anywhere."""
        parts = urlsplit(self.klaviyo_base_url)
        key = self.klaviyo_api_key.get_secret_value() if self.klaviyo_api_key else ""
        if (
            parts.scheme == "http"
            and key
            and not key.startswith("pk_sandbox")
            and not is_loopback(parts.hostname or "")
        ):
            raise ValueError("KLAVIYO_BASE_URL must be https: over http the API key could be read on the way")
        oauth = urlsplit(self.klaviyo_oauth_base_url or "")
        if oauth.scheme == "http" and not is_loopback(oauth.hostname or ""):
            raise ValueError("KLAVIYO_OAUTH_BASE_URL must be https: over http tokens could be read on the way")
        return self

    @property
    def allowed_hosts(self) -> list[str]:
        """The extra Host headers, as a list."""
        return _split(self.klaviyo_mcp_allowed_hosts)

    @property
    def allowed_origins(self) -> list[str]:
        """The extra Origin headers, as a list."""
        return _split(self.klaviyo_mcp_allowed_origins)


def read_settings() -> Settings:
    """The settings of this process. Raises SettingsError, naming every setting that is wrong or unknown."""
    known = {name.upper() for name in Settings.model_fields}
    problems: list[str] = []
    for name in sorted(os.environ):
        if not name.upper().startswith("KLAVIYO_") or name.upper() in known:
            continue
        near = nearest(name, known)
        mend = f"did you mean {near[0]}?" if near else "unset it."
        problems.append(f"{name} is not a setting of klaviyo-mcp; {mend}")
    try:
        settings = Settings()  # pyright: ignore[reportCallIssue] - every field has a default
    except ValidationError as error:
        # Values are left out: they may be secrets.
        for detail in error.errors(include_url=False, include_input=False):
            name = str(detail["loc"][0]).upper() if detail["loc"] else ""
            text = detail["msg"].removeprefix("Value error, ")
            problems.append(f"{name}: {text}" if name else text)
        raise SettingsError("\n".join(problems)) from None
    if problems:
        raise SettingsError("\n".join(problems))
    return settings


def is_loopback(host: str) -> bool:
    """Whether a host name or address can only be reached from this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
