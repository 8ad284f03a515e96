"""Getting a port to listen on, or saying in words why it cannot be had."""

import socket

from klaviyo_mcp.runtime.authorities import bracketed
from klaviyo_mcp.runtime.settings import SettingsError


def listen(host: str, port: int) -> socket.socket:
    """A listening address. Raises SettingsError, in words, when it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named because asyncio turns Nagle's algorithm off only then; with it every answer takes 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        # From here on a client waits instead of being refused, also one that comes before the server has begun.
        listener.listen()
    except (OSError, OverflowError) as error:
        listener.close()
        raise SettingsError(f"Cannot listen on {bracketed(host)}:{port}: {error}.") from None
    return listener
