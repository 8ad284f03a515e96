"""What every part of a spec file shares."""

from typing import Annotated

from pydantic import ConfigDict, StringConstraints

ActionName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=50)]
OperationName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=100)]
"""Klaviyo's operationId: some are too long for the name of a tool."""

STRICT = ConfigDict(extra="forbid", frozen=True)
"""A part of a spec is immutable, and an unknown key is an error.

Each module has a base class of its own with it: ruff tells pydantic's models by a base in the same file.
"""
