"""Getting a port to listen on, or saying in words why it cannot be had."""

import socket

from klaviyo_mcp.surfaces.settings import SettingsError


def listen(host: str, port: int) -> socket.socket:
    """A listening address. Raises SettingsError, in words, when it cannot be had."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except (OSError, OverflowError) as error:
        listener.close()
        raise SettingsError(f"Cannot listen on {host}:{port}: {error}.") from None
    return listener
