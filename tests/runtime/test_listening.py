"""Getting a port to listen on."""

import socket

from klaviyo_mcp.runtime.listening import listen


def test_who_comes_before_the_server_has_begun_is_not_refused() -> None:
    with listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname(), timeout=5) as client:
        assert client.getpeername() == listener.getsockname()
