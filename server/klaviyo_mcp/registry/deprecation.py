"""What a spec says of an action or argument that is going away; docs/releasing.md has the policy."""

from typing import Annotated

from pydantic import BaseModel, StringConstraints

from klaviyo_mcp.registry.part import STRICT, ActionName


class Deprecation(BaseModel):
    """`since` is the version that first said so, `says` a sentence on what to do instead, `use` the action to use."""

    model_config = STRICT

    since: Annotated[str, StringConstraints(pattern=r"^[0-9]+\.[0-9]+\.[0-9]+$")]
    says: Annotated[str, StringConstraints(min_length=10, max_length=200, pattern=r"^[^\n]*\.$")]
    use: ActionName | None = None

    @property
    def told(self) -> str:
        """As it stands before a description."""
        return f"Deprecated since {self.since}: {self.says}"
