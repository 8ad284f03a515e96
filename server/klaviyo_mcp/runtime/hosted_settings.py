"""The settings of the hosted service: one server for many companies, each connected by OAuth."""

from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings

DAY = 86_400.0
SHORTEST_SECRET = 32
"""Characters of a secret: 24 random bytes in base64."""


class HostedSettings(BaseSettings):
    """What `KLAVIYO_MCP_PUBLIC_URL` makes a service of, and how it behaves."""

    klaviyo_mcp_public_url: str | None = Field(
        None,
        description="Where the hosted service is reached, such as https://mcp.example.org; makes this one.",
    )
    klaviyo_mcp_secret: SecretStr | None = Field(
        None,
        description="What the hosted service signs cookies and seals its records with: 32 characters or more. NEW,OLD "
        "changes it.",
    )
    klaviyo_mcp_app_scope: Literal["company", "user"] = Field(
        "company", description="Whether your app at Klaviyo is installed once per company or once per user."
    )
    klaviyo_mcp_scopes_left_out: str = Field(
        "",
        description="Scopes that Klaviyo is not asked for, comma-separated, such as those that your app there lacks.",
    )
    klaviyo_mcp_access_life: float = Field(
        3600.0, ge=60, le=86_400, description="Seconds that an access token of the hosted service lives."
    )
    klaviyo_mcp_refresh_life: float = Field(
        30 * DAY, ge=3600, le=365 * DAY, description="Seconds without use after which a client has to connect again."
    )
    klaviyo_mcp_redirect_schemes: str = Field(
        "cursor,vscode,vscode-insiders",
        description="Schemes other than https that clients of the hosted service may be sent back to.",
    )
    klaviyo_mcp_clients: SecretStr | None = Field(
        None, description="Pre-registered MCP clients of the hosted service: JSON, or the path of a file with it."
    )
    klaviyo_mcp_trusted_proxies: str = Field(
        "",
        description="Addresses of proxies whose X-Forwarded-For says who asks, comma-separated; * for all of a private "
        "network.",
    )
    klaviyo_mcp_drain: float = Field(
        5.0,
        ge=0,
        le=300,
        description="Seconds that the hosted service still takes requests once told to stop, while readyz says so.",
    )
    klaviyo_mcp_upload_mb: int = Field(
        50,
        ge=0,
        le=2_000,
        description="MB that a file may have which people upload to the hosted service for a job; 0 takes none.",
    )
    klaviyo_mcp_export_mb: int = Field(
        200,
        ge=0,
        le=2_000,
        description="MB of rows that an export of the hosted service may have; 0 makes none.",
    )
    klaviyo_mcp_metrics_port: int | None = Field(
        None, ge=1, le=65_535, description="Port of its own for Prometheus (needs the extra otel); none by default."
    )

    @field_validator("klaviyo_mcp_public_url")
    @classmethod
    def is_public(cls, value: str | None) -> str | None:
        """A URL without a path: clients compare it as text, so there is one way to write it."""
        if value is None:
            return None
        text = value.strip().rstrip("/")
        parts = urlsplit(text)
        if parts.scheme not in ("http", "https") or not parts.hostname or text != f"{parts.scheme}://{parts.netloc}":
            raise ValueError("must be a URL without a path, such as https://mcp.example.org")
        if "@" in parts.netloc or not text.isascii() or text != text.lower():
            raise ValueError("must be written in lower-case ASCII letters, without a user name")
        return text

    @field_validator("klaviyo_mcp_secret")
    @classmethod
    def is_long(cls, value: SecretStr | None) -> SecretStr | None:
        """Each of them is long enough not to be guessed."""
        if value is not None and any(
            len(part.strip()) < SHORTEST_SECRET for part in value.get_secret_value().split(",")
        ):
            raise ValueError(f"must have {SHORTEST_SECRET} characters or more, such as: openssl rand -base64 32")
        return value

    @property
    def secrets(self) -> tuple[str, ...]:
        """The secrets, the one that signs first."""
        text = self.klaviyo_mcp_secret.get_secret_value() if self.klaviyo_mcp_secret else ""
        return tuple(part.strip() for part in text.split(",") if part.strip())
