"""A client as the authorization server knows it, whichever way it is registered, and how its name may be shown."""

import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Literal

from klaviyo_mcp.authorization.redirects import allowed, is_loopback
from klaviyo_mcp.loose_json import JSON

Registration = Literal["dynamic", "document", "settings"]
SECRET_METHODS = frozenset({"client_secret_basic", "client_secret_post"})
ASSERTION = "private_key_jwt"
GRANT_TYPES = ("authorization_code", "refresh_token")
LONGEST_NAME = 100
UNNAMED = "A client without a name"


@dataclass(frozen=True, slots=True)
class Client:
    """`asserts` says that it may prove who it is by assertions; a `secret_hash`, that it has to by its secret.

    `domain` is where its metadata document lies, None when nobody vouches for its name. `keys` are those of its
    document, `keys_url` is where they are to be fetched.
    """

    client_id: str
    name: str
    redirect_uris: tuple[str, ...]
    registration: Registration
    secret_hash: str | None = field(default=None, repr=False)
    asserts: bool = False
    refreshes: bool = True
    domain: str | None = None
    keys: JSON | None = None
    keys_url: str | None = None

    @property
    def only_loopback(self) -> bool:
        """Whether all its addresses are on the person's machine, where any program can say that it is this client."""
        return all(is_loopback(uri) for uri in self.redirect_uris)

    def may_redirect(self, uri: str, schemes: Collection[str]) -> bool:
        """Whether an answer may be sent there."""
        return allowed(uri, self.redirect_uris, schemes)


def clean_name(name: str) -> str:
    """A name as people may see it: no control, no invisible and no turning characters, of a bearable length."""
    kept = "".join(" " if character.isspace() else character for character in name[: 10 * LONGEST_NAME])
    kept = "".join(c for c in kept if unicodedata.category(c)[0] != "C" and unicodedata.category(c) not in ("Zl", "Zp"))
    return " ".join(kept.split())[:LONGEST_NAME].strip() or UNNAMED


def refreshes(grant_types: Sequence[object]) -> bool:
    """Whether a client takes refresh tokens: it says so, or says nothing."""
    return not grant_types or "refresh_token" in grant_types
