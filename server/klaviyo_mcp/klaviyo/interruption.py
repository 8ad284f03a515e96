"""Ending what is under way when a process has to stop, so that each part can still say what became of it."""

from weakref import WeakSet

import anyio


class Interruptions:
    """The parts of work that may be broken off. All belong to one event loop."""

    def __init__(self) -> None:
        """Nothing is broken off before `interrupt`."""
        self._scopes: WeakSet[anyio.CancelScope] = WeakSet()
        self._over = False

    def breakable(self) -> anyio.CancelScope:
        """A scope for one part: broken off, it is left as if it had ended, with `cancelled_caught` set."""
        scope = anyio.CancelScope()
        self._scopes.add(scope)
        if self._over:
            scope.cancel()
        return scope

    def interrupt(self) -> None:
        """Break off all that is under way, and whatever begins from now on."""
        self._over = True
        for scope in self._scopes:
            scope.cancel()
