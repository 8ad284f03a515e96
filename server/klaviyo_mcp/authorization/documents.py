"""What is published about the authorization server and its resource, and the challenges that lead clients there."""

from collections.abc import Iterable

from klaviyo_mcp.authorization.config import AuthorizationConfig
from klaviyo_mcp.authorization.levels import LEVELS, LOWEST, OFFLINE
from klaviyo_mcp.loose_json import JSON


def authorization_server(config: AuthorizationConfig) -> JSON:
    """RFC 8414. Clients compare the issuer as text, and refuse a server that does not say S256."""
    issuer = config.issuer
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": token_endpoint(config),
        "registration_endpoint": f"{issuer}/register",
        "revocation_endpoint": f"{issuer}/revoke",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
        "scopes_supported": [*LEVELS, OFFLINE],
        "client_id_metadata_document_supported": True,
        "authorization_response_iss_parameter_supported": True,
        **({"service_documentation": config.documentation} if config.documentation else {}),
    }


def protected_resource(config: AuthorizationConfig) -> JSON:
    """RFC 9728. Refresh tokens are no matter of a resource, so offline_access is not named here."""
    return {
        "resource": config.resource,
        "authorization_servers": [config.issuer],
        "scopes_supported": [LOWEST],
        "bearer_methods_supported": ["header"],
        "resource_name": config.name,
        **({"resource_documentation": config.documentation} if config.documentation else {}),
    }


def token_endpoint(config: AuthorizationConfig) -> str:
    """Where tokens are; assertions are made for exactly this text."""
    return f"{config.issuer}/token"


def challenge(config: AuthorizationConfig, scopes: Iterable[str], error: str = "", description: str = "") -> str:
    """The value of WWW-Authenticate. `error` is empty where no token came: then nothing is wrong with one."""
    parts = [
        *([f'error="{error}"', f'error_description="{description}"'] if error else []),
        f'scope="{" ".join(scopes)}"',
        f'resource_metadata="{config.issuer}/.well-known/oauth-protected-resource/mcp"',
    ]
    return f"Bearer {', '.join(parts)}"
