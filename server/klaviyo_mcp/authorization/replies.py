"""What the authorization server answers with, as values. Routes turn them into HTTP and pages; nothing is escaped here.

Pairs are the parameters of a query or of a form in their order, so that a parameter that comes twice can be seen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from klaviyo_mcp.authorization.levels import Level
from klaviyo_mcp.loose_json import JSON

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Cookie:
    """A cookie to set: always Path=/, HttpOnly and SameSite=Lax, and Secure where `secure`. `max_age` 0 removes it."""

    name: str
    value: str = field(repr=False)
    max_age: int
    secure: bool


@dataclass(frozen=True, slots=True)
class Redirect:
    """303 to `location`, which is used as it is. It may hold a code: never logged. `reason` may be."""

    location: str = field(repr=False)
    cookies: tuple[Cookie, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """A page for the person, as the client cannot be told, or must not be. `reason` is one word for the log."""

    status: int
    title: str
    text: str
    advice: str
    reason: str
    cookies: tuple[Cookie, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """A level that can be chosen: how many actions it allows, and the Klaviyo scopes that are asked for."""

    level: Level
    actions: int
    scopes: tuple[str, ...]
    suggested: bool


@dataclass(frozen=True, slots=True)
class ConsentPage:
    """What the consent page shows, and what its form posts.

    The form posts `t` (transaction), `csrf`, `level` (a Level) and `decision` (allow or deny) to /consent.
    `client_name` is what the client says of itself: plain text of any characters but control and bidirectional ones.
    `client_domain` is verified (the host of a metadata document), None when nothing about the client is.
    `redirect_host` is where the answer goes: a host with its port, or a scheme such as `cursor:`. `only_loopback` tells
    that any program on the person's machine can say it is this client.
    """

    transaction: str = field(repr=False)
    csrf: str = field(repr=False)
    client_name: str
    client_domain: str | None
    redirect_host: str
    only_loopback: bool
    choices: tuple[Choice, ...]
    cookies: tuple[Cookie, ...]


@dataclass(frozen=True, slots=True)
class JsonReply:
    """An answer in JSON with its headers, Cache-Control among them. `body` None is an empty body."""

    status: int
    body: JSON | None = field(repr=False)
    headers: Mapping[str, str]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Access:
    """What a valid access token stands for. `scopes` are the level and those below it; times are seconds since 1970."""

    grant_id: str
    account_id: str
    client_id: str
    level: Level
    scopes: tuple[str, ...]
    resource: str
    expires_at: float


@dataclass(frozen=True, slots=True)
class Session:
    """A person on the manage page, proven by a consent at Klaviyo less than eight hours ago.

    `csrf` goes into every form of the page as `csrf`.
    """

    account_id: str
    company_name: str | None
    test_account: bool | None
    level: Level
    expires_at: float
    csrf: str = field(repr=False)
    user: str | None = None


@dataclass(frozen=True, slots=True)
class ConnectedClient:
    """A grant as people are shown it. `reconnect` says why a person has to consent anew, None while it works."""

    grant_id: str
    client_name: str
    client_domain: str | None
    level: Level
    created: float
    last_used: float | None
    reconnect: str | None


@dataclass(frozen=True, slots=True)
class Removal:
    """What disconnecting came to: how many grants are gone here, and whether Klaviyo was told.

    `removed_at_klaviyo` is None when Klaviyo was not to be told, False when it could not be: the person can remove the
    app there, under Settings > Integrations.
    """

    grants: int
    removed_at_klaviyo: bool | None
