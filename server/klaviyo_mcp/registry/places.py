"""Places among arguments, and values of JSON, as the parts of a spec write them."""

from typing import Annotated

from pydantic import StringConstraints

NAME = r"[a-zA-Z_][a-zA-Z0-9_-]*"
KEY = rf"{NAME}(\|{NAME})*(\[\])*"
Place = Annotated[str, StringConstraints(pattern=rf"^{KEY}(\.{KEY})*$")]
Scalar = str | int | bool | None
