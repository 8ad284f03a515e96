"""The three stories of docs/jobs.md, by the commands that stand there, on a few rows each."""

import json
import os
import pty
import re
import shlex
import time
from pathlib import Path
from typing import Any

import httpx2
from cryptography.fernet import Fernet
from tests.jobs.conftest import HEADERS, Jobs

PAGE = Path(__file__).parents[2] / "docs" / "jobs.md"


def commands(title: str) -> list[list[str]]:
    """The words of each command under a heading of the page, without the name of the program."""
    (part,) = re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    lines = [
        line for block in re.findall(r"^```\n(.*?)^```", part, re.DOTALL | re.MULTILINE) for line in block.splitlines()
    ]
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("klaviyo-mcp ")]


def answered(jobs: Jobs, words: list[str], answer: bytes) -> str:
    """What a command prints whose question is answered in a terminal."""
    ours, theirs = pty.openpty()
    os.write(ours, answer)
    process = jobs.start(*words, stdin=theirs)
    os.close(theirs)
    out, err = process.communicate(timeout=60)
    os.close(ours)
    assert process.returncode == 0, out + err
    return out + err


def profiles(jobs: Jobs, path: str = "/api/profiles") -> dict[str, dict[str, Any]]:
    return {one["attributes"]["email"]: one["attributes"] for one in jobs.read(path)}


def test_a_csv_from_a_fair(jobs: Jobs) -> None:
    rows = "Vorname;E-Mail;Telefon\nAda;Ada@Example.org;0170 5550101\nBob;bob@;\nEve;eve@example.org;\n"
    (jobs.folder / "messe.csv").write_text(rows + "Eva;eve@example.org;\n", "cp1252")
    body = {"data": {"type": "list", "attributes": {"name": "Messe 2026"}}}
    made = httpx2.post(f"{jobs.url}/api/lists", headers=HEADERS, json=body).raise_for_status().json()["data"]
    (words,) = commands("A CSV from a fair")
    told = answered(jobs, words, b"y\n")
    assert "Rows: 4. Good: 2, not good: 1, 1 left out as duplicates." in told
    members = profiles(jobs, f"/api/lists/{made['id']}/profiles")
    assert {email: one["first_name"] for email, one in members.items()} == {
        "ada@example.org": "Ada",
        "eve@example.org": "Eva",
    }
    assert members["ada@example.org"]["properties"]["source"] == "expo"
    rejected = jobs.folder / "messe.csv.report" / "rejected.csv"
    rejected.write_text(rejected.read_text("utf-8-sig").replace("bob@", "bob@example.org"))
    jobs.run(*[str(rejected) if word == "messe.csv" else word for word in words], "--yes")
    assert "_reason" not in profiles(jobs)["bob@example.org"]["properties"]
    assert jobs.results("messe.csv") == [(2, "done"), (3, "rejected"), (4, "duplicate"), (5, "done")]


def test_a_nightly_sync(jobs: Jobs) -> None:
    (jobs.folder / "customers.csv").write_text("email,first_name,points\nada@example.org,Ada,7\nbob@,Bob,8\n")
    (words,) = commands("A nightly sync")
    done = json.loads(jobs.run(*words, whole=False))
    assert (done["state"], done["progress"]["settled"]) == ("done", 1)
    assert profiles(jobs)["ada@example.org"]["properties"]["points"] == 7


def test_ten_million_events(jobs: Jobs, postgres: str) -> None:
    jobs.environment |= {"KLAVIYO_MCP_JOBS_URL": postgres, "KLAVIYO_MCP_VAULT_KEY": Fernet.generate_key().decode()}
    rows = [{"email": f"e{one}@shop.test", "time": "2026-01-02T10:00:00Z", "value": one} for one in range(30)]
    jobs.write("events.jsonl", rows)
    begin, work = commands("Ten million events")
    assert "waits for a worker" in jobs.run(*begin)
    workers = [jobs.start(*work) for _ in range(2)]
    try:
        for _ in range(100):
            (job,) = jobs.listed()
            if job["state"] == "done":
                break
            time.sleep(0.2)
    finally:
        for worker in workers:
            worker.terminate()
            worker.communicate(timeout=60)
    assert (job["state"], job["progress"]["settled"]) == ("done", 30)
    assert {f"e{one}@shop.test" for one in range(30)} <= {*profiles(jobs)}
