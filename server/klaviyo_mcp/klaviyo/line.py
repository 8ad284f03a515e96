"""A line of callers: one at a time is at its head, the others follow in the order in which they came."""

import asyncio
from collections import deque

Place = asyncio.Future[None]
"""A caller's place in a line; done when it is at the head."""


class Line:
    """First come, first served, within one event loop."""

    def __init__(self) -> None:
        """Nobody is there."""
        self._places: deque[Place] = deque()

    @property
    def length(self) -> int:
        """How many callers are there, the one at the head among them."""
        return len(self._places)

    def join(self, *, first: bool = False) -> Place:
        """Stand at the end, or, `first`, right behind the one at the head. Whoever joins has to `quit` in the end."""
        place = asyncio.get_running_loop().create_future()
        self._places.insert(min(1, self.length) if first else self.length, place)
        self._call()
        return place

    def quit(self, place: Place) -> None:
        """Go, from wherever in the line: the others move up."""
        self._places.remove(place)
        self._call()

    def _call(self) -> None:
        if self._places and not self._places[0].done():
            self._places[0].set_result(None)
