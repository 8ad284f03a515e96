"""Fetching documents from addresses that strangers name, without being led into our own network."""

from collections.abc import Awaitable, Callable, Sequence

Resolver = Callable[[str], Awaitable[Sequence[str]]]
"""The addresses of a host, as text. Raises OSError when there are none."""


async def resolved(host: str) -> Sequence[str]:
    """What the system's resolver says."""
    import anyio

    return [str(found[4][0]) for found in await anyio.getaddrinfo(host, 443)]
