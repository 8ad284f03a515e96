"""All settings, read once from the environment. A setting we do not know is an error, never ignored.

`KLAVIYO_*` says which account, `KLAVIYO_MCP_*` how the server behaves.
"""

import os
import re
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from pathlib import Path
from types import MappingProxyType
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from klaviyo_mcp.answers.budget import BYTES_PER_TOKEN, MOST, TOKENS
from klaviyo_mcp.loose_json import nearest
from klaviyo_mcp.runtime.authorities import Authority, Origin
from klaviyo_mcp.runtime.hosted_settings import HostedSettings

QUOTED = re.compile(r"""(["'`“\u2018]).*(["'`”\u2019])""", re.DOTALL)
PLACEHOLDER = re.compile(
    r"\$\{[^}]*\}|\$\([^)]*\)|(?-i:\$[A-Z_][A-Z0-9_]*)|%\w+%|<[^>]*>|\[[\w -]*\]"
    r"|(pk_)?(x{3,}|\*{3,}|\.{3}|…)|(pk_)?your[\w-]*[-_ ](key|token|secret)([-_ ]here)?",
    re.IGNORECASE,
)
"""What examples write in place of a value."""
UNEXPANDED = re.compile(r"\$\{\w+\}|\{\{.*\}\}")
"""A name of another variable, anywhere in a value."""


class SettingsError(Exception):
    """Settings that cannot be used; the message lists each with what to do."""


class Settings(HostedSettings):
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
    klaviyo_mcp_request_timeout: float = Field(
        90.0, ge=1, le=600, description="Seconds that one request to Klaviyo may take until its answer is complete."
    )
    klaviyo_mcp_call_timeout: float = Field(
        180.0, ge=1, le=3600, description="Seconds that one call may take in all: its waits and all its requests."
    )
    klaviyo_mcp_max_answer: int = Field(
        20_000_000,
        ge=65_536,
        le=1_000_000_000,
        description="Bytes that one answer of Klaviyo's may have, unpacked; a larger one is not read to its end.",
    )
    klaviyo_mcp_quota: Literal["on", "off"] = Field(
        "on", description="off leaves pacing to Klaviyo's own 429 answers instead of counting requests here."
    )
    klaviyo_mcp_quota_url: SecretStr | None = Field(
        None, description="Redis that several processes and machines count requests in, such as redis://host:6379/0."
    )
    klaviyo_mcp_keep: float = Field(
        600.0,
        ge=0,
        le=86_400,
        description="Seconds for which the answers of reads with a daily limit (reports) are kept; 0 keeps none.",
    )
    klaviyo_mcp_answer_tokens: int = Field(
        TOKENS,
        ge=1_000,
        le=MOST // BYTES_PER_TOKEN,
        description="Tokens that one answer may have, three bytes counted as one; the rest is told how to be read.",
    )
    klaviyo_mcp_keep_answers: float = Field(
        900.0,
        ge=0,
        le=86_400,
        description="Seconds for which answers that did not fit are kept whole and sealed, for read_more: in memory, "
        "or in the Redis of KLAVIYO_MCP_QUOTA_URL; 0 keeps none.",
    )
    klaviyo_mcp_jobs_url: SecretStr | None = Field(
        None,
        description="PostgreSQL in which several machines share jobs, such as postgresql://user@host/klaviyo_jobs; a "
        "file in the folder of the accounts by default.",
    )
    klaviyo_mcp_files: Path | None = Field(
        None,
        description="Folder that agents may import files from and export into; without it they can name no file.",
    )
    klaviyo_mcp_check_wait: float = Field(
        25.0,
        ge=0,
        le=170,
        description="Seconds that start_job waits for the check of its rows before that goes on beside the call.",
    )
    klaviyo_mcp_allowed_hosts: str = Field(
        "", description="Host headers to accept over HTTP besides localhost, comma-separated, such as mcp.example.org."
    )
    klaviyo_mcp_allowed_origins: str = Field(
        "", description="Origin headers to accept over HTTP besides localhost, comma-separated."
    )
    klaviyo_mcp_prefix: str = Field(
        "", description="What stands before every name in the list of tools, such as shop_; calls may leave it out."
    )
    klaviyo_mcp_confirm: Literal["destructive", "writes", "never"] = Field(
        "destructive",
        description="Which calls are shown first and carried out once confirmed: those that remove something, reach "
        "many people or cannot be taken back; all that change something; or none.",
    )
    klaviyo_mcp_policy: Path | None = Field(
        None, description="YAML file of rules that forbid, ask for a yes, or cap; see docs/policy.md."
    )
    klaviyo_mcp_audit_file: Path | None = Field(
        None, description="File that every change, and every one that was refused or held, is written down in."
    )
    klaviyo_mcp_audit_reads: Literal["on", "off"] = Field("off", description="on writes down reads, too.")
    klaviyo_mcp_live_checks: Literal["on", "off"] = Field(
        "on",
        description="off leaves out the rules that read the account before a write, and saves their requests; Klaviyo "
        "then refuses by itself what it refuses.",
    )
    klaviyo_mcp_no_user_content: Literal["on", "off"] = Field(
        "off",
        description="on leaves out of answers what customers and visitors wrote: names, properties, reviews, messages.",
    )
    klaviyo_mcp_max_body: int = Field(
        8 * 1024 * 1024,
        ge=65_536,
        le=64 * 1024 * 1024,
        description="Bytes that one request over HTTP may have; 8 MiB hold an image of 5 MB in base64.",
    )
    klaviyo_mcp_max_connections: int = Field(
        1000,
        ge=1,
        le=100_000,
        description="Connections over HTTP that there may be at once; fewer where the system allows fewer open files.",
    )
    klaviyo_mcp_stop_within: float | None = Field(
        None,
        ge=0,
        le=3600,
        description="Seconds that calls may still take once an HTTP server is told to stop, fewer than its supervisor "
        "waits before it kills; as long as the longest call by default.",
    )
    klaviyo_mcp_http_token: SecretStr | None = Field(
        None, description="Bearer token that HTTP clients must send. Required to listen on anything but localhost."
    )

    klaviyo_mcp_log_format: Literal["text", "json"] = Field("text", description="How lines on stderr are written.")
    klaviyo_mcp_log_level: Literal["debug", "info", "warning", "error"] | None = Field(
        None, description="What is told on stderr. info has a line per call and is what HTTP does; else it is warning."
    )

    @field_validator("*", mode="before")
    @classmethod
    def is_filled_in(cls, value: object) -> object:
        """Not what an example holds in place of a value, nor in quotes that no shell took off."""
        if isinstance(value, str):
            refuse_placeholder(value)
        return value

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

    @field_validator("klaviyo_mcp_vault_url", "klaviyo_mcp_quota_url")
    @classmethod
    def is_redis(cls, value: SecretStr | None) -> SecretStr | None:
        """A Redis server: its URL may hold a password, so it is not quoted."""
        if value is not None:
            parts = urlsplit(value.get_secret_value())
            if parts.scheme not in ("redis", "rediss") or not parts.hostname:
                raise ValueError("must be a Redis URL such as redis://localhost:6379/0, or rediss:// for TLS")
        return value

    @field_validator("klaviyo_mcp_jobs_url")
    @classmethod
    def is_postgres(cls, value: SecretStr | None) -> SecretStr | None:
        """A PostgreSQL server: its URL may hold a password, so it is not quoted."""
        if value is not None and urlsplit(value.get_secret_value()).scheme not in ("postgresql", "postgres"):
            raise ValueError("must be a PostgreSQL URL such as postgresql://user@localhost/klaviyo_jobs")
        return value

    @field_validator("klaviyo_base_url", "klaviyo_oauth_base_url")
    @classmethod
    def is_http(cls, value: str | None) -> str | None:
        """An absolute URL without a path of its own."""
        if value is None:
            return None
        parts = urlsplit(value)
        try:
            sound = re.fullmatch(r"[\w.-]+|[0-9a-fA-F:]+", parts.hostname or "") and parts.port != 0
        except ValueError:  # a port that is none
            sound = False
        if not sound or parts.scheme not in ("http", "https") or parts.path.strip("/") or parts.query:
            raise ValueError("must be a URL such as https://a.klaviyo.com")
        return value.rstrip("/")

    @field_validator("klaviyo_mcp_allowed_hosts")
    @classmethod
    def are_hosts(cls, value: str) -> str:
        """Names and addresses, without a scheme: one that never matches would only be found out by a refusal."""
        if wrong := [part for part in _split(value) if Authority.read(part) is None]:
            raise ValueError(f"{wrong[0]!r} is no host; write names like mcp.example.org, or mcp.example.org:8443")
        return value

    @field_validator("klaviyo_mcp_allowed_origins")
    @classmethod
    def are_origins(cls, value: str) -> str:
        """Scheme and host, without a path."""
        if wrong := [part for part in _split(value) if Origin.read(part) is None]:
            raise ValueError(f"{wrong[0]!r} is no origin; write them like https://app.example.org")
        return value

    @model_validator(mode="after")
    def counts_somewhere(self) -> Self:
        """Nothing is set to no effect."""
        if self.klaviyo_mcp_quota_url is not None and self.klaviyo_mcp_quota == "off":
            raise ValueError("KLAVIYO_MCP_QUOTA_URL has no effect while KLAVIYO_MCP_QUOTA is off; unset one of them")
        return self

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
    def answer_bytes(self) -> int:
        """Bytes of JSON that one answer may have."""
        return self.klaviyo_mcp_answer_tokens * BYTES_PER_TOKEN

    @property
    def grace(self) -> float:
        """Seconds that calls may still take once a server over HTTP is told to stop."""
        within = self.klaviyo_mcp_stop_within
        return self.klaviyo_mcp_call_timeout if within is None else within

    @property
    def allowed_hosts(self) -> list[Authority]:
        """The hosts to answer to besides localhost."""
        return [host for part in _split(self.klaviyo_mcp_allowed_hosts) if (host := Authority.read(part))]

    @property
    def allowed_origins(self) -> list[Origin]:
        """The origins of pages that may call, besides localhost."""
        return [origin for part in _split(self.klaviyo_mcp_allowed_origins) if (origin := Origin.read(part))]


def read_settings(given: Mapping[str, object] = MappingProxyType({})) -> Settings:
    """The settings of this process. Raises SettingsError, naming every setting that is wrong or unknown.

    `given` are values by the names of fields, in place of those of the environment.

    What is Klaviyo's but not ours, such as a variable of a shop's own programs, is no error: see `foreign_variables`.
    """
    problems = [
        f"{name} is not a setting of klaviyo-mcp; {f'did you mean {near}?' if near else 'unset it.'}"
        for name, near in _unknown()
        if name.upper().startswith("KLAVIYO_MCP_")
    ]
    try:
        settings = Settings(**given)  # pyright: ignore[reportArgumentType, reportCallIssue] - validated, and all have a default
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


def foreign_variables() -> list[str]:
    """What to say about variables that begin with KLAVIYO_ and are no setting of ours: they may be other programs'."""
    return [
        f"{name} is not a setting of klaviyo-mcp and is not used{f'; did you mean {near}?' if near else '.'}"
        for name, near in _unknown()
        if not name.upper().startswith("KLAVIYO_MCP_")
    ]


def refuse_placeholder(value: str) -> None:
    """Raises ValueError, in words without the value, for one that stands for another or is in quotes."""
    if QUOTED.fullmatch(value.strip()):
        raise ValueError("is in quotes; write it without them")
    if PLACEHOLDER.fullmatch(value.strip()) or UNEXPANDED.search(value):
        raise ValueError(
            "still is a placeholder, such as ${NAME} or <your key>; put the value itself here, as not every client "
            "replaces names of variables"
        )


def _unknown() -> Iterator[tuple[str, str | None]]:
    """Variables of the environment that are named like settings and are none, with the setting that comes closest."""
    known = {name.upper() for name in Settings.model_fields}
    for name in sorted(os.environ):
        if name.upper().startswith("KLAVIYO_") and name.upper() not in known:
            # All begin alike, so that more than usual has to be alike.
            yield name, next(iter(nearest(name, known, likeness=0.75)), None)


def is_loopback(host: str) -> bool:
    """Whether a host name or address can only be reached from this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost" or host.lower().endswith(".localhost")


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
