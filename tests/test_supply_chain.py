"""What is depended on: within bounds, locked by hashes, and had from where everybody has it."""

import importlib.util
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
LOCK = tomllib.loads((ROOT / "uv.lock").read_text("utf-8"))
REQUIREMENTS = [
    *PROJECT["build-system"]["requires"],
    *PROJECT["project"]["dependencies"],
    *(one for extra in PROJECT["project"]["optional-dependencies"].values() for one in extra),
    *(one for group in PROJECT["dependency-groups"].values() for one in group if isinstance(one, str)),
]


@pytest.mark.parametrize("requirement", sorted(set(REQUIREMENTS)))
def test_every_requirement_has_an_upper_bound(requirement: str) -> None:
    assert re.search(r"<\d|==\d", requirement)


def test_every_package_of_the_lock_has_hashes_and_comes_from_pypi() -> None:
    for package in LOCK["package"]:
        if package["source"] == {"editable": "."}:
            continue
        assert package["source"] == {"registry": "https://pypi.org/simple"}
        files = [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]
        assert files, package["name"]
        for file in files:
            assert file["url"].startswith("https://files.pythonhosted.org/packages/")
            assert re.fullmatch(r"sha256:[0-9a-f]{64}", file["hash"])


def test_the_wheel_is_built_by_what_is_locked() -> None:
    assert sorted(PROJECT["dependency-groups"]["wheel"]) == sorted(PROJECT["build-system"]["requires"])


@pytest.mark.parametrize(
    ("component", "allowed"),
    [
        ({"licenses": [{"license": {"id": "MIT"}}]}, True),
        ({"licenses": [{"expression": "(MIT OR GPL-3.0-only) AND Apache-2.0"}]}, True),
        ({"licenses": [{"expression": "(MIT OR ISC) AND GPL-3.0-only"}]}, False),
        ({"licenses": [{"expression": "Apache-2.0 WITH Autoconf-exception-3.0"}]}, False),
        ({"licenses": [{"license": {"id": "MIT"}}, {"license": {"id": "AGPL-3.0-only"}}]}, False),
        ({"licenses": [{"license": {"name": "License :: OSI Approved :: BSD License"}}]}, True),
        ({"licenses": [{"license": {"name": "License :: OSI Approved :: Apache Software License"}}]}, True),
        ({"licenses": [{"license": {"name": "Ask our sales team"}}]}, False),
        ({}, False),
        ({"name": "psycopg", "licenses": [{"license": {"id": "LGPL-3.0-only"}}]}, True),
        ({"name": "psycopg", "licenses": [{"license": {"id": "GPL-3.0-only"}}]}, False),
        ({"name": "another", "licenses": [{"license": {"id": "LGPL-3.0-only"}}]}, False),
    ],
)
def test_a_licence_that_was_not_agreed_to_is_refused(component, allowed) -> None:
    path = ROOT / ".ci" / "licences.py"
    spec = importlib.util.spec_from_file_location("licences", path)
    assert spec is not None
    assert spec.loader is not None
    licences = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(licences)
    bill = {"components": [{"name": "x", "version": "1", **component}]}
    assert (not list(licences.refused(bill))) is allowed
