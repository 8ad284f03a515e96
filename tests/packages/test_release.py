"""`make release` refuses what must not go out, and says why."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from klaviyo_mcp import __version__

ROOT = Path(__file__).parents[2]
NEEDED = (".ci/release.py", "CHANGELOG.md", "server.json", "plugin", ".claude-plugin")
FOLDERS = ("tests/released", "tool_specs", "server")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a release is judged by, committed in a repository of its own."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in (*NEEDED, *FOLDERS):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder / name)
    (folder / ".gitignore").write_text("__pycache__\n.cache\n")
    git(folder, "init", "-q")
    commit(folder)
    git(folder, "tag", "as-copied")
    return folder


@pytest.fixture
def checkout(repository: Path) -> Iterator[Path]:
    """That repository, which is for the next test as it was for this one."""
    yield repository
    git(repository, "reset", "-q", "--hard", "as-copied")


def git(folder: Path, *words: str) -> None:
    names = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run(["git", *names, *words], cwd=folder, check=True, capture_output=True)


def commit(folder: Path) -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "x")


def check(folder: Path) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, ".ci/release.py", "--check"]
    environment = {"PYTHONPATH": str(folder / "server"), "PATH": "/usr/bin:/bin", "HOME": str(folder)}
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_it_is_refused_until_everything_is_in_step(checkout: Path) -> None:
    changelog = checkout / "CHANGELOG.md"
    text = changelog.read_text("utf-8").partition(f"## [{__version__}]")[0]
    changelog.write_text(text, "utf-8")
    listed = json.loads((checkout / "server.json").read_text("utf-8"))
    (checkout / "server.json").write_text(json.dumps({**listed, "version": "9.9.9"}), "utf-8")
    refused = check(checkout)
    assert refused.returncode == 1
    for told in (
        "files are not committed",
        f"CHANGELOG.md has no section '## [{__version__}] - YYYY-MM-DD'",
        f"server.json has the version 9.9.9, and server/klaviyo_mcp/__init__.py {__version__}",
    ):
        assert told in refused.stderr

    changelog.write_text(text + f"## [{__version__}] - 2026-12-01\n\n- Everything.\n", "utf-8")
    (checkout / "server.json").write_text(json.dumps(listed), "utf-8")
    commit(checkout)
    done = check(checkout)
    assert done.returncode == 0, done.stderr
    assert f"{__version__} can be released." in done.stdout


def test_a_broken_promise_is_no_release(checkout: Path) -> None:
    file = checkout / "tests" / "released" / f"{__version__}.json"
    file.write_text(file.read_text("utf-8").replace('"get_lists": {', '"get_listz": {', 1), "utf-8")
    refused = check(checkout)
    assert refused.returncode == 1
    assert "get_listz is gone" in refused.stderr
