"""`klaviyo-mcp export`: killed at any place and given again, it writes what an undisturbed one does."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.warm import PROGRAM, kill

from klaviyo_mcp.jobs.errors import JobProblem
from klaviyo_mcp.jobs.rows_file import Target
from klaviyo_mcp.runtime.exports import check_free
from klaviyo_sandbox import API_KEY, COMPANY_ID, create_app
from klaviyo_sandbox.testing import serve

SLOWED = 0.05
"""Seconds that each request takes, so that there is a middle to be killed in."""
LIMITED = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
os.execv(sys.executable, [sys.executable, "-m", *sys.argv[2:]])
"""
"""Runs a module that can write no larger file than so many bytes."""


class Exports:
    """The command line, with a Klaviyo of its own over HTTP."""

    def __init__(self, url: str) -> None:
        self.url = url
        httpx2.post(f"{url}/_sandbox/faults", json=[{"operation": "*", "fault": "latency", "seconds": SLOWED}])

    def start(
        self, home: Path, *words: str, largest: int | None = None, command: str = "export"
    ) -> subprocess.Popen[bytes]:
        limited = [sys.executable, "-c", LIMITED, str(largest), "klaviyo_mcp"]
        program = [*(PROGRAM if largest is None else limited), command, *words]
        return subprocess.Popen(
            program,
            cwd=home,
            env={
                **os.environ,
                "KLAVIYO_BASE_URL": self.url,
                "KLAVIYO_API_KEY": API_KEY,
                "KLAVIYO_COMPANY_ID": COMPANY_ID,
                "KLAVIYO_MCP_HOME": str(home / "home"),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(self, home: Path, *words: str, code: int = 0, **how: Any) -> tuple[bytes, str]:
        """Its stdout, and what it says; any other exit code than `code` fails the test."""
        process = self.start(home, *words, **how)
        out, err = process.communicate(timeout=60)
        assert process.returncode == code, err.decode()
        return out, err.decode()


@pytest.fixture(scope="module")
def exports() -> Iterator[Exports]:
    with serve(create_app(rate_limits=False, profiles=400)) as url:
        yield Exports(url)


@pytest.fixture(scope="module")
def whole(exports: Exports, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What an undisturbed export of all people writes."""
    home = tmp_path_factory.mktemp("whole")
    _, said = exports.run(home, "profiles", "-o", "people.csv")
    assert "400 rows" in said
    assert sorted(path.name for path in home.iterdir()) == ["home", "people.csv"]
    return (home / "people.csv").read_bytes()


@given(lines=st.integers(0, 399), again=st.booleans())
@settings(max_examples=2, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_killed_anywhere_it_goes_on_and_writes_the_same_bytes(
    exports: Exports, whole: bytes, tmp_path_factory: pytest.TempPathFactory, lines: int, again: bool
) -> None:
    home = tmp_path_factory.mktemp("killed")
    for at_line in (lines, min(399, lines + 100))[: 1 + again]:
        part = _killed_at(exports, home, at_line)
    if not (home / "people.csv").exists():
        exports.run(home, "profiles", "-o", "people.csv")
    assert (home / "people.csv").read_bytes() == whole
    assert not part.exists()


def test_rows_that_are_gone_are_told_and_force_begins_anew(exports: Exports, whole: bytes, tmp_path: Path) -> None:
    part = _killed_at(exports, tmp_path, 150)
    part.write_bytes(b"x" * 10)
    _, said = exports.run(tmp_path, "profiles", "-o", "people.csv", code=1)
    assert "is not as it was left" in said
    assert "--force" in said
    _, said = exports.run(tmp_path, "profiles", "--since", "2026-01-01", "-o", "people.csv", code=1)
    assert "asks for something else" in said
    exports.run(tmp_path, "profiles", "-o", "people.csv", "--force")
    assert (tmp_path / "people.csv").read_bytes() == whole


def test_jobs_shows_it_and_goes_on_with_it_and_what_was_not_kept_is_cut_off(
    exports: Exports, whole: bytes, tmp_path: Path
) -> None:
    part = _killed_at(exports, tmp_path, 50)
    with part.open("ab") as file:
        file.write(b'{"id":"half a ro')
    (job,) = json.loads(exports.run(tmp_path, "list", "--json", command="jobs")[0])
    assert (job["does"], job["kind"], job["file"]) == ("export", "profiles", str(tmp_path / "people.csv"))
    assert part.stat().st_mode & 0o777 == 0o600
    out, _ = exports.run(tmp_path, "resume", job["job"], command="jobs")
    assert b"done, 400 rows" in out
    assert (tmp_path / "people.csv").read_bytes() == whole
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "people.csv"]


def _killed_at(exports: Exports, home: Path, lines: int) -> Path:
    """The rows of an export of all people that was killed when there were so many."""
    process = exports.start(home, "profiles", "-o", "people.csv")
    part = home / "people.csv.part"
    while process.poll() is None and (not part.exists() or part.read_bytes().count(b"\n") < lines):
        time.sleep(0.01)
    kill(process)
    process.communicate()
    return part


def test_a_full_disk_pauses_it_and_with_room_it_goes_on(exports: Exports, whole: bytes, tmp_path: Path) -> None:
    exports.run(tmp_path, "catalog-categories", "-o", "makes_the_database.csv")
    room = max(path.stat().st_size for path in (tmp_path / "home").rglob("*") if path.is_file()) + 200_000
    _, said = exports.run(tmp_path, "profiles", "-o", "people.csv", code=1, largest=room)
    assert "cannot be written" in said
    assert "Make room" in said
    exports.run(tmp_path, "profiles", "-o", "people.csv")
    assert (tmp_path / "people.csv").read_bytes() == whole


@pytest.mark.parametrize("largest", [150_000, 400_000])
def test_a_disk_without_room_for_the_database_of_jobs_is_told_in_words(
    exports: Exports, tmp_path: Path, largest: int
) -> None:
    """As the engine is loaded, and once the job runs. Nobody has the address, so that nothing changes."""
    (tmp_path / "people.csv").write_text("email\nnobody@shop.example.org\n")
    limited = exports.start(tmp_path, "suppress", "people.csv", "--yes", command="import", largest=largest)
    # Whether there is still room for its state depends on the moment: it is told as paused, or as not finished.
    said = b"".join(limited.communicate(timeout=60)).decode()
    assert "The database of jobs cannot be used" in said
    assert "klaviyo-mcp jobs resume 6" in said
    assert "Traceback" not in said
    again = exports.start(tmp_path, "suppress", "people.csv", "--yes", command="import")
    assert "1 are settled" in again.communicate(timeout=60)[0].decode()


def test_a_file_that_is_there_is_left_alone(tmp_path: Path) -> None:
    for name in ("there.csv", "begun.csv.part"):
        (tmp_path / name).write_text("mine")
    for place, says in [
        ("there.csv", "there.csv is there"),
        ("begun.csv", "begun.csv.part is there"),
        ("no/such/folder.csv", "There is no folder"),
        (".", "is a folder"),
    ]:
        with pytest.raises(JobProblem, match=says):
            check_free(Target(tmp_path / place, "csv"))
    check_free(Target(tmp_path / "there.csv", "csv", force=True))
    check_free(Target(tmp_path / "free.csv", "csv"))


def test_words_that_name_no_export_are_answered_with_those_that_do(exports: Exports, tmp_path: Path) -> None:
    assert "does not say its form" in exports.run(tmp_path, "catalog-items", "-o", "items", code=2)[1]
    assert "There are: campaign-report, " in exports.run(tmp_path, "people", "-o", "items.csv", code=2)[1]


def test_streams_get_the_same_as_files(exports: Exports, whole: bytes, tmp_path: Path) -> None:
    assert exports.run(tmp_path, "profiles", "-o", "-")[0] == whole
    os.mkfifo(tmp_path / "pipe")
    got: list[bytes] = []
    reader = Thread(target=lambda: got.append((tmp_path / "pipe").read_bytes()))
    reader.start()
    exports.run(tmp_path, "profiles", "-o", "pipe", "--format", "csv")
    reader.join(10)
    assert got == [whole]
