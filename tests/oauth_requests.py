"""What an MCP client asks an authorization server for, made without any code of the server's."""

import base64
import hashlib


def challenge(verifier: str) -> str:
    """PKCE's S256."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def authorization(verifier: str, **more: str | None) -> dict[str, str]:
    """The parameters of a request for a code that `verifier` is good for; what is None in `more` is left out."""
    asked: dict[str, str | None] = {
        "response_type": "code",
        "code_challenge": challenge(verifier),
        "code_challenge_method": "S256",
        "state": "the state",
        **more,
    }
    return {name: value for name, value in asked.items() if value is not None}
