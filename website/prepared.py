"""Examples that need something to be there first, by prepared.yaml: what is called before, and which ids come of it."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jmespath
import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter

from klaviyo_mcp.loose_json import JSON

FILE = Path(__file__).with_name("prepared.yaml")


class Step(BaseModel):
    """A call that is made before; `ids` says of ids of examples where in its answer those are that they stand for.

    What an earlier action had as a step, too, is not made again, unless it is to be made `anew`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    call: str
    arguments: JSON | None = None
    ids: dict[str, str] = {}
    anew: bool = False

    def found(self, answer: JSON) -> dict[str, str]:
        """The id of the shop that each id of an example stands for. Raises LookupError where the answer has none."""
        found = {shown: jmespath.search(path, answer) for shown, path in self.ids.items()}
        if missing := [shown for shown, real in found.items() if not isinstance(real, str)]:
            raise LookupError(f"{self.call} answers nothing for {', '.join(missing)}.")
        return found


Steps = Sequence[Step]
PREPARED = TypeAdapter(dict[str, dict[str, list[Step]]])


def prepared() -> dict[str, dict[str, list[Step]]]:
    """The steps before each action's examples, by company: `demo` or `other`."""
    return PREPARED.validate_python(yaml.safe_load(FILE.read_text("utf-8")))


def with_real(arguments: Mapping[str, Any], known: Mapping[str, str]) -> JSON:
    """Arguments of an example with ids of the shop, also within other texts."""
    text = json.dumps(arguments)
    shown = "|".join(map(re.escape, sorted(known, key=len, reverse=True)))
    return json.loads(re.sub(shown, lambda found: known[found[0]], text) if shown else text)
