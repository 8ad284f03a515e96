"""What the authorization server raises. Only StoreAway gets out of it; the others become answers or pages.

StoreAway           the place where things are kept cannot be used: 503
└── SealedElsewhere a record there is not to be opened with the secrets of this instance
OAuthProblem        an answer with an error of OAuth's
ClientProblem       the client cannot be known
├── ClientRefused   now and until something changes: no such client, or its document is wrong
└── ClientAway      for the moment: its document cannot be fetched
"""

from collections.abc import Mapping
from math import ceil

from klaviyo_mcp.authorization.pacing import RATES, Limited


class StoreAway(Exception):
    """The place where the authorization server keeps things cannot be used just now.

    To be answered with 503 and Retry-After, never with anything about a token: clients throw away what is said to be
    unknown. `retry_after` is in seconds. The message is for the log and holds no secret.
    """

    retry_after = 5


class SealedElsewhere(StoreAway):
    """A record was sealed with a secret that this instance does not have: that of another one, or one taken away."""


class OAuthProblem(Exception):
    """`error` is a word of OAuth's, `description` tells a developer what to do."""

    def __init__(
        self, error: str, description: str, status: int = 400, headers: Mapping[str, str] | None = None
    ) -> None:
        """`headers` go with the answer beside those of every answer."""
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description
        self.status = status
        self.headers = dict(headers or {})


def too_often(limited: Limited, wait: float) -> OAuthProblem:
    """429 for what was asked for too often, and may be again after `wait` seconds."""
    seconds = str(ceil(wait))
    description = f"Too often: {RATES[limited].words}. Nothing was changed; try again in {seconds} s."
    return OAuthProblem("temporarily_unavailable", description, 429, {"Retry-After": seconds})


class ClientProblem(Exception):
    """Base of what keeps a client from being known; the message says why, for a developer."""


class ClientRefused(ClientProblem):
    """There is no such client, or what it says of itself is not accepted."""


class ClientAway(ClientProblem):
    """Its metadata document cannot be had for a reason that may pass."""
