"""What the vault keeps of a connection, as versioned records. Secrets show in no repr; only `sealed` spells them out.

A record says which layout it has. Older ones are read and written back in the present layout; newer ones are refused.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

from klaviyo_mcp.loose_json import JSON, mapping

VERSION = 1
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
"""Names of connections. They are file names too, so they are lower-case and plain."""


class InvalidRecord(ValueError):
    """A record that does not hold what it should; the message quotes no value."""


@dataclass(frozen=True, slots=True)
class Secret:
    """Text that must not be seen. `reveal` is the only way to it."""

    _text: str = field(repr=False)

    def reveal(self) -> str:
        """The text itself."""
        return self._text

    def __repr__(self) -> str:
        """Never the text."""
        return "Secret(…)"

    __str__ = __repr__


@dataclass(frozen=True, slots=True)
class Company:
    """Whose account it is, as far as Klaviyo told."""

    account_id: str | None = None
    name: str | None = None
    test_account: bool | None = None


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A private API key."""

    key: Secret
    kind: Literal["api_key"] = "api_key"


@dataclass(frozen=True, slots=True)
class Grant:
    """An OAuth grant: the app it was given to, its scopes, and the present pair of tokens.

    `expires_at` and `refreshed_at` are seconds since 1970 by this machine's clock. `reconnect` says why a person has to
    consent again, and is None while the grant works. `failed_at` and `failure` tell of the latest failed refresh.
    """

    client_id: str
    client_secret: Secret
    token_url: str
    revoke_url: str
    scopes: tuple[str, ...]
    access_token: Secret
    refresh_token: Secret
    expires_at: float
    refreshed_at: float
    reconnect: str | None = None
    failed_at: float | None = None
    failure: str | None = None
    kind: Literal["oauth"] = "oauth"


Credentials = ApiKey | Grant


@dataclass(frozen=True, slots=True)
class Connection:
    """One connected account: its name, whose it is, where its API is, and how we reach it."""

    name: str
    company: Company
    base_url: str
    connected_at: float
    credentials: Credentials

    def with_grant(self, **changes: Any) -> "Connection":
        """A copy whose grant is changed."""
        if not isinstance(self.credentials, Grant):
            raise TypeError("an API key has no grant")
        return replace(self, credentials=replace(self.credentials, **changes))

    @property
    def grant(self) -> Grant | None:
        """The OAuth grant, None for an API key."""
        return self.credentials if isinstance(self.credentials, Grant) else None


def sealed(connection: Connection) -> JSON:
    """The record as the vault seals it: plain JSON with the secrets in it."""
    return {
        "version": VERSION,
        "name": connection.name,
        "company": _plain(connection.company),
        "base_url": connection.base_url,
        "connected_at": connection.connected_at,
        # The name that the credentials have had in records since the first version.
        "way": _plain(connection.credentials),
    }


def unsealed(name: str, record: JSON) -> Connection:
    """A record as it came out of the vault, whatever its version. Raises InvalidRecord."""
    version = record.get("version")
    if not isinstance(version, int) or version < 1:
        raise InvalidRecord("it does not say which version it has")
    if version > VERSION:
        raise InvalidRecord(f"it was written by a newer klaviyo-mcp (version {version}); update this one")
    for step in range(version, VERSION):
        record = STEPS[step](record)
    try:
        # A record that was copied over another's place must not pass for it: accounts would be mixed up.
        if record["name"] != name:
            raise InvalidRecord("it belongs to a connection of another name")
        kept = mapping(record["way"])
        return Connection(
            name=name,
            company=Company(**record["company"]),
            base_url=str(record["base_url"]),
            connected_at=float(record["connected_at"]),
            credentials=_grant(kept) if kept["kind"] == "oauth" else ApiKey(Secret(str(kept["key"]))),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, InvalidRecord):
            raise
        raise InvalidRecord(f"a field is missing or wrong ({type(error).__name__})") from None


def _grant(kept: JSON) -> Grant:
    secrets: JSON = {name: Secret(str(kept[name])) for name in ("client_secret", "access_token", "refresh_token")}
    values: JSON = {**kept, **secrets, "scopes": tuple(str(scope) for scope in kept["scopes"])}
    return Grant(**values)


def _plain(part: Any) -> JSON:
    values = {known.name: getattr(part, known.name) for known in fields(part)}
    return {name: value.reveal() if isinstance(value, Secret) else value for name, value in values.items()}


STEPS: dict[int, Callable[[JSON], JSON]] = {}
"""How a record of each older version becomes one of the next. There has been one version so far."""
