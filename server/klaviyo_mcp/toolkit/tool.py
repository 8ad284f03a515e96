"""One tool as it is given to a framework: what a model is told of it, and how it is run."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from klaviyo_mcp.loose_json import JSON
from klaviyo_mcp.runtime.answering import Response

AWAIT = "tools of Klaviyo have to be awaited; KlaviyoSync makes tools that can be called from anywhere"


@dataclass(frozen=True, slots=True)
class Runs:
    """How a tool is run, with its arguments: on an event loop, and where that can be, at once by a thread."""

    awaited: Callable[[object], Awaitable[Response]]
    at_once: Callable[[object], Response] | None = None

    def now(self, arguments: object) -> Response:
        """At once. Raises NotImplementedError where it has to be awaited."""
        if self.at_once is None:
            raise NotImplementedError(AWAIT)
        return self.at_once(arguments)


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool in MCP's form. `hints` are its annotations: `readOnlyHint`, `destructiveHint`, `idempotentHint`."""

    name: str
    description: str
    schema: JSON
    runs: Runs
    hints: JSON = field(default_factory=dict[str, object])
