"""Fails for a component of a CycloneDX bill of materials whose licence is none of those that were agreed to."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from license_expression import ExpressionError, Licensing

SPDX = Licensing()
ALLOWED = {
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "MIT",
    "MIT-0",
    "PSF-2.0",
    "Unlicense",
    "MPL-2.0",  # asks for changes to its own files alone, and none are made
}
"""SPDX ids of licences that ask for little more than that their notices are kept."""
LIBRARIES = {
    # What DBOS speaks to PostgreSQL with. The LGPL asks that whoever gets it can put another version in its place: it
    # is a package of its own, installed beside ours and never changed by us, so that anybody can.
    "psycopg": "LGPL-3.0-only",
    "psycopg-binary": "LGPL-3.0-only",
}
"""Packages that were agreed to one by one, with the licence that was agreed to: it asks for more than those above."""
CLASSIFIERS = {
    "License :: OSI Approved :: Apache Software License": "Apache-2.0",
    "License :: OSI Approved :: BSD License": "BSD-3-Clause",
    "License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
"""What a package says that names no id."""
UNSAID = {"protobuf": "BSD-3-Clause"}
"""Packages whose metadata say nothing, and what the licence that they carry is."""


def licences(component: dict[str, Any]) -> list[str]:
    """What a component says: SPDX ids and expressions, or words where it has none of these."""
    entries = [entry.get("license", {}) for entry in component.get("licenses", [])]
    ids = [entry["id"] for entry in entries if "id" in entry]
    expressions = [entry["expression"] for entry in component.get("licenses", []) if "expression" in entry]
    words = [CLASSIFIERS.get(entry["name"], entry["name"]) for entry in entries if "name" in entry]
    return ids + expressions or words or [UNSAID.get(component["name"], "nothing")]


def is_allowed(said: str) -> bool:
    """Whether a licence or an expression of SPDX ids can be kept with what was agreed to."""
    try:
        expression = SPDX.parse(said)
    except ExpressionError:  # words
        return False
    truths = {symbol: SPDX.TRUE if str(symbol) in ALLOWED else SPDX.FALSE for symbol in expression.symbols}
    return expression.subs(truths, simplify=True) == SPDX.TRUE


def refused(bill: dict[str, Any]) -> Iterator[str]:
    """A line for each component that says something else."""
    for component in bill["components"]:
        said = licences(component)
        if said != [LIBRARIES.get(component["name"])] and not all(map(is_allowed, said)):
            yield f"{component['name']} {component['version']}: {', '.join(said)}"


if __name__ == "__main__":
    found = list(refused(json.loads(Path(sys.argv[1]).read_text("utf-8"))))
    sys.exit("\n".join(["Licences that were not agreed to:", *found]) if found else 0)
