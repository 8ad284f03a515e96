"""server.json, which the MCP registry lists the server by."""

import json
from pathlib import Path

import typer.main
from jsonschema import Draft202012Validator

from klaviyo_mcp import __version__
from klaviyo_mcp.cli.serve import app
from klaviyo_mcp.runtime.settings import Settings

ROOT = Path(__file__).parents[2]
LISTED = json.loads((ROOT / "server.json").read_text("utf-8"))
(PACKAGE,) = LISTED["packages"]


def test_it_is_as_the_registry_asks() -> None:
    schema = json.loads((Path(__file__).parent / "server_schema.json").read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    assert [error.message for error in Draft202012Validator(schema).iter_errors(LISTED)] == []
    assert {LISTED["version"], PACKAGE["version"]} == {__version__}


def test_the_package_says_that_it_is_the_one_listed() -> None:
    assert f"<!-- mcp-name: {LISTED['name']} -->" in (ROOT / "README.md").read_text("utf-8")


def test_every_argument_and_setting_exists() -> None:
    options = {name for one in typer.main.get_command(app).params for name in one.opts}
    named = {one["name"] for one in PACKAGE["packageArguments"] if one["type"] == "named"}
    assert named <= options
    assert [one["value"] for one in PACKAGE["packageArguments"] if one["type"] == "positional"] == ["serve"]
    settings = {one["name"]: one for one in PACKAGE["environmentVariables"]}
    assert {name.lower() for name in settings} <= set(Settings.model_fields)
    assert settings["KLAVIYO_API_KEY"]["isSecret"] is True
