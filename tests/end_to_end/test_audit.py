"""The audit log of real servers: what is written down, by one and by several, and when it cannot be."""

import json
import os
import resource
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import mcp.types as types
import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters
from tests.end_to_end.conftest import HELLO, SERVE, environment_of
from tests.warm import COLD, PROGRAM

from klaviyo_sandbox import create_app
from klaviyo_sandbox.testing import serve

Entries = list[dict[str, Any]]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[str]:
    with serve(create_app(rate_limits=False)) as url:
        yield url


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


@pytest.fixture
def audited(sandbox: str, log: Path) -> Callable[..., dict[str, str]]:
    """The environment of a server that asks before it destroys, and writes down what it does."""

    def environment(**more: str) -> dict[str, str]:
        kept = {name: value for name, value in environment_of(sandbox).items() if name != "KLAVIYO_MCP_CONFIRM"}
        return {**kept, "KLAVIYO_MCP_AUDIT_FILE": str(log), **more}

    return environment


@pytest.fixture
def entries(command, log: Path) -> Callable[[], Entries]:
    """The entries of the log, which has to be whole."""

    def read() -> Entries:
        whole = command("audit", "verify", "--file", str(log))
        assert whole.returncode == 0, whole.stderr
        return json.loads(command("audit", "show", "--json", "--last", "1000", "--file", str(log)).stdout)

    return read


def started(environment: dict[str, str], *flags: str, **more: Any) -> Client:
    server = StdioServerParameters(command=SERVE[0], args=[*SERVE[1:], *flags], env=environment)
    return Client(server, client_info=types.Implementation(name="tester", version="7.1"), **more)


async def answer(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert result.structured_content is not None
    return result.structured_content


def told(entries: Entries) -> list[tuple[str, ...]]:
    return [(one["phase"], one["action"], one.get("outcome", "")) for one in entries]


async def test_what_is_done_held_and_refused_is_written_down(audited, entries, log) -> None:
    async with started(audited()) as client:
        made = await answer(client, "create_list", name="Friends of Ann")
        await answer(client, "get_lists")
        await answer(client, "create_list", nam="x")
        held = await answer(client, "delete_list", id=made["record"]["id"])
        await answer(client, "confirm_action", token=f"{held['confirmation']['token'][:-1]}x")
        await answer(client, "confirm_action", token=held["confirmation"]["token"])
        await answer(client, "create_profile", email="ann.smith@example.org", first_name="Ann")
        await answer(client, "create_profile", email="ann.smith@example.org", first_name="Ann")
    found = entries()
    assert told(found) == [
        ("intent", "create_list", ""),
        ("outcome", "create_list", "done"),
        ("refused", "create_list", "invalid_arguments"),
        ("held", "delete_list", ""),
        ("refused", "confirm_action", "wrong_confirmation"),
        ("intent", "delete_list", ""),
        ("outcome", "delete_list", "done"),
        ("intent", "create_profile", ""),
        ("outcome", "create_profile", "done"),
        ("intent", "create_profile", ""),
        ("outcome", "create_profile", "conflict"),
    ]
    first, last = found[0], found[-1]
    assert first["client"] == "tester 7.1"
    assert first["account"] == "default"
    assert first["effect"] == "write"
    assert first["plan"]["requests"] == [{"method": "POST", "path": "/api/lists", "times": 1, "items": 1}]
    assert first["call_id"] == found[1]["call_id"]
    assert last["became"] == "Klaviyo refused the request; nothing was changed."
    assert last["status"] == 409
    held_entry, confirmed = found[3], found[5]
    assert held_entry["confirmation"]["id"] == confirmed["confirmation"]["id"]
    assert confirmed["confirmation"]["by"] == "token"
    assert confirmed["arguments"]["id"] == made["record"]["id"]
    text = log.read_text().casefold()
    for personal in ("ann.smith", "example.org", "friends", held["confirmation"]["token"].casefold()):
        assert personal not in text, personal
    # Equal values can be told, and found again by who knows them.
    assert found[7]["arguments"]["email"] == found[9]["arguments"]["email"]


def test_calls_with_a_value_can_be_found(audited, command, log) -> None:
    for email in ("one@example.org", "other@example.org"):
        command("call", "create_profile", "--json", json.dumps({"email": email}), **audited())
    shown = command("audit", "show", "--value", "One@example.org", **audited()).stdout
    assert shown.count("create_profile") == 1
    assert "klaviyo-mcp call" in shown


async def test_what_a_person_said_is_written_down(audited, entries) -> None:
    for agrees in (True, False):

        async def person(_context: Any, _params: types.ElicitRequestParams) -> types.ElicitResult:
            return types.ElicitResult(action="accept", content={"agree": agrees})  # noqa: B023 - used in this turn

        async with started(audited(), elicitation_callback=person) as client:
            group = (await answer(client, "create_list", name="Asked"))["record"]["id"]
            await answer(client, "delete_list", id=group)
    found = [one for one in entries() if one["action"] == "delete_list"]
    intent = next(one for one in found if one["phase"] == "intent")
    assert intent["confirmation"]["by"] == "person"
    declined = found[-1]
    assert (declined["phase"], declined["outcome"]) == ("refused", "declined")
    assert declined["confirmation"]["by"] == "person"


async def test_reads_are_written_down_where_that_is_wanted(audited, entries) -> None:
    async with started(audited(KLAVIYO_MCP_AUDIT_READS="on"), "--read-only") as client:
        await answer(client, "get_lists")
        await answer(client, "create_list", name="x")
    assert told(entries()) == [
        ("intent", "get_lists", ""),
        ("outcome", "get_lists", "done"),
        ("refused", "create_list", "read_only"),
    ]


async def test_what_a_policy_refuses_is_written_down(audited, entries, tmp_path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: 1\nrules:\n  - {name: keep, actions: ['delete_*'], forbid: true}\n")
    async with started(audited(KLAVIYO_MCP_POLICY=str(policy))) as client:
        await answer(client, "delete_list", id="VbT4kM")
    assert told(entries()) == [("refused", "delete_list", "policy")]


async def test_several_servers_write_one_log(audited, entries) -> None:
    async with started(audited()) as one, started(audited()) as other:
        for index in range(5):
            await answer(one, "create_list", name=f"One {index}")
            await answer(other, "create_list", name=f"Other {index}")
    assert told(entries()) == [("intent", "create_list", ""), ("outcome", "create_list", "done")] * 10


@pytest.mark.parametrize("place", ["none/audit.jsonl", "."])
def test_a_server_does_not_start_with_a_log_it_cannot_write(audited, command, tmp_path, place) -> None:
    wrong = audited(KLAVIYO_MCP_AUDIT_FILE=str(tmp_path / place))
    for words in (("serve",), ("serve", "--transport", "http"), ("call", "get_lists")):
        refused = command(*words, stdin="", **wrong)
        assert refused.returncode == 2
        assert "KLAVIYO_MCP_AUDIT_FILE: " in refused.stderr
        assert "Traceback" not in refused.stderr


# Processes that are hindered


class Server:
    """A server over stdio that is spoken to line by line, so that anything can happen to its process."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self._number = 1
        self.send(HELLO)
        self.answer()
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def send(self, message: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{json.dumps(message)}\n")
        self.process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def ask(self, tool: str, **arguments: Any) -> None:
        self._number += 1
        params = {"name": tool, "arguments": arguments}
        self.send({"jsonrpc": "2.0", "id": self._number, "method": "tools/call", "params": params})

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        self.ask(tool, **arguments)
        return self.answer()["result"]["structuredContent"]


@contextmanager
def hindered(environment: dict[str, str]) -> Iterator[Server]:
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [*COLD, *SERVE[len(PROGRAM) :]], env=environment, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            yield Server(process)
        finally:
            process.kill()


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux limits the files of another process")
def test_a_full_disk_refuses_writes_before_anything_is_sent(audited, entries, log, requests_seen) -> None:
    with hindered(audited()) as server:
        server.call("create_list", name="Fits")
        requests_seen()
        size = log.stat().st_size
        # As much as a full disk leaves: some bytes of the next line.
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (size + 20, resource.RLIM_INFINITY))
        error = server.call("create_list", name="Does not fit")["error"]
        assert error["code"] == "audit_unavailable"
        assert error["outcome"] == "Nothing was changed in Klaviyo."
        assert requests_seen() == []
        assert "records" in server.call("get_lists")
        assert log.stat().st_size == size
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert "record" in server.call("create_list", name="Fits again")
    assert len(entries()) == 4


def test_a_crash_in_a_write_leaves_its_intent(audited, entries, log, sandbox) -> None:
    slow = [{"operation": "create_list", "fault": "latency", "seconds": 20}]
    assert httpx2.post(f"{sandbox}/_sandbox/faults", json=slow).is_success
    try:
        with hindered(audited()) as server:
            server.ask("create_list", name="In the middle")
            until = time.monotonic() + 20
            while not (log.exists() and log.read_text()) and time.monotonic() < until:
                time.sleep(0.05)
            os.kill(server.process.pid, signal.SIGKILL)
            server.process.wait(10)
    finally:
        httpx2.post(f"{sandbox}/_sandbox/faults", json=[])
    assert told(entries()) == [("intent", "create_list", "")]
    with log.open("a") as file:
        file.write('{"at":"2026-11-26T0')
    with hindered(audited()) as server:
        server.call("create_list", name="After")
    assert [one["phase"] for one in entries()] == ["intent", "recovered", "intent", "outcome"]


def test_verify_names_the_first_line_that_was_changed(audited, command, log) -> None:
    for name in ("One", "Two"):
        command("call", "create_list", "--json", json.dumps({"name": name}), **audited())
    lines = log.read_text().splitlines(keepends=True)
    log.write_text("".join([*lines[:2], lines[2].replace("create_list", "delete_list"), *lines[3:]]))
    broken = command("audit", "verify", **audited())
    assert broken.returncode == 1
    assert "line 3 is the first that is not as it was written" in broken.stderr
    log.write_text("".join(lines[:3]))
    assert "line 4" in command("audit", "verify", **audited()).stderr
    assert command("audit", "show").returncode == 2
