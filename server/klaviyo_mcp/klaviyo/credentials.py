"""Credentials on a request. A kind of credential is an httpx2 Auth object; the client knows nothing else about it."""

from collections.abc import Generator

import httpx2


class ApiKeyAuth(httpx2.Auth):
    """A private API key. It goes to /api and nowhere else: /client endpoints are public and take a company id."""

    def __init__(self, key: str) -> None:
        """`key` starts with pk_; it is kept out of every repr."""
        self._key = key

    def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        """Add the key to a request for the private API."""
        if request.url.path.startswith("/api/"):
            request.headers["Authorization"] = f"Klaviyo-API-Key {self._key}"
        yield request

    def __repr__(self) -> str:
        """Never the key."""
        return "ApiKeyAuth(…)"
