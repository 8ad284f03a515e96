"""The hosted service as operators run it: processes over real HTTP, and several of them behind a proxy."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from tests.warm import PROGRAM, kill

SERVE = [*PROGRAM, "serve", "--transport", "http"]
OWN_SECRET = "sEcReT-of-the-service-0123456789abcdef"
STARTS_WITHIN = 60


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def register_app(klaviyo: Any, issuer: str) -> None:
    """Let the sandbox's app of the tests return to this service."""
    klaviyo.control(
        "oauth/apps",
        client_id=klaviyo.client_id,
        client_secret=klaviyo.client_secret,
        redirect_uris=[klaviyo.redirect_uri, f"{issuer}/oauth/klaviyo/callback"],
    )


def environment(klaviyo: Any, issuer: str, home: Path, **more: str) -> dict[str, str]:
    """That of a hosted service which keeps its records in `home`, or where `more` says. It logs all it can."""
    return {
        **os.environ,
        **klaviyo.environment(home),
        "KLAVIYO_MCP_PUBLIC_URL": issuer,
        "KLAVIYO_MCP_SECRET": OWN_SECRET,
        "KLAVIYO_MCP_LOG_LEVEL": "debug",
        # Browsers of the tests say where they are, as a proxy would: all of them come from one address.
        "KLAVIYO_MCP_TRUSTED_PROXIES": "127.0.0.1",
        "KLAVIYO_MCP_DRAIN": "0",
        # The sandbox counts none, and some tests ask whose account it is more often than Klaviyo would answer.
        "KLAVIYO_MCP_QUOTA": "off",
        **more,
    }


@dataclass
class Instance:
    """One process of the service. `said` is what it has written to stderr."""

    environment: dict[str, str]
    port: int = 0
    said: list[str] = field(default_factory=list)
    _process: "subprocess.Popen[str] | None" = None

    def start(self) -> "Instance":
        """Return once it listens."""
        words = [*SERVE, "--port", str(self.port)]
        self._process = process = subprocess.Popen(words, env=self.environment, stderr=subprocess.PIPE, text=True)
        heard = threading.Event()
        threading.Thread(target=self._hear, args=(process, heard), daemon=True).start()
        assert heard.wait(STARTS_WITHIN), "the service did not start in time"
        assert process.poll() is None, "".join(self.said)
        return self

    def _hear(self, process: "subprocess.Popen[str]", heard: threading.Event) -> None:
        assert process.stderr is not None
        with process.stderr as stderr:
            for line in stderr:
                self.said.append(line)
                if not heard.is_set() and (found := re.search(r"listening on http://[^:]+:(\d+)", line)):
                    self.port = int(found[1])
                    heard.set()
        process.wait()
        heard.set()

    @property
    def url(self) -> str:
        """Where it listens itself."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    def signal(self, number: int) -> None:
        """Send it a signal. SIGKILL also reaches a warm process, which is gone when this returns."""
        if number == signal.SIGKILL:
            return self.kill()
        assert self._process is not None
        self._process.send_signal(number)
        return None

    def kill(self) -> None:
        """As kill -9 does: without a word, and at once."""
        assert self._process is not None
        kill(self._process)

    def wait(self, seconds: float = 30) -> int:
        """How it has ended."""
        assert self._process is not None
        return self._process.wait(seconds)

    def stop(self) -> None:
        """End it, if it has not ended."""
        if self.alive:
            self.signal(signal.SIGTERM)
            try:
                self.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()


@contextmanager
def one_instance(klaviyo: Any, home: Path, **more: str) -> Iterator[tuple[str, Instance]]:
    """A service of one process, with its URL."""
    port = free_port()
    issuer = f"http://127.0.0.1:{port}"
    register_app(klaviyo, issuer)
    instance = Instance(environment(klaviyo, issuer, home, **more), port)
    try:
        instance.start()
        yield issuer, instance
    finally:
        instance.stop()


class RoundRobin:
    """A proxy that gives each request to the next instance, as a load balancer does that knows no stickiness.

    It passes on what was not sent yet when an instance does not listen, and answers 502 for what was.
    """

    def __init__(self, ports: Sequence[int] = ()) -> None:
        self.ports = list(ports)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.served: list[int] = []
        self._next = 0
        # The loop itself holds tasks only weakly.
        self._serving: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)

    def start(self) -> None:
        """Return once it listens."""
        self._thread.start()
        assert self._ready.wait(10)

    def stop(self) -> None:
        """End it."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", self.port))
        self._ready.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            request = await _request(reader)
            if not await self._passed_on(request, writer):
                writer.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            await _closed(writer)
            self._serving.discard(task)

    async def _passed_on(self, request: bytes, writer: asyncio.StreamWriter) -> bool:
        """Whether anything of an answer has come."""
        instance = await self._instance()
        if instance is None:
            return False
        theirs, ours = instance
        answered = False
        try:
            ours.write(request)
            while chunk := await theirs.read(65_536):
                writer.write(chunk)
                answered = True
        except ConnectionError:
            pass
        finally:
            await _closed(ours)
        return answered

    async def _instance(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        for _ in self.ports:
            port = self.ports[self._next % len(self.ports)]
            self._next += 1
            try:
                found = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                continue
            self.served.append(port)
            return found
        return None


async def _closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


async def _request(reader: asyncio.StreamReader) -> bytes:
    """One request, whole, that asks for its connection to be closed."""
    head = await reader.readuntil(b"\r\n\r\n")
    lines = [line for line in head.rstrip(b"\r\n").split(b"\r\n") if not line.lower().startswith(b"connection:")]
    length = next((int(line.partition(b":")[2]) for line in lines if line.lower().startswith(b"content-length:")), 0)
    return b"\r\n".join([*lines, b"Connection: close", b"", b""]) + await reader.readexactly(length)


@dataclass
class Cluster:
    """Instances that have only Redis in common, behind a proxy whose URL is the service's."""

    instances: list[Instance]
    proxy: RoundRobin
    redis: Any

    @property
    def url(self) -> str:
        """The service's public URL."""
        return self.proxy.url

    def ready(self, status: int = 200, within: float = 30) -> None:
        """Return once every instance's readyz has this status."""
        until = time.monotonic() + within
        for instance in self.instances:
            while (said := httpx2.get(f"{instance.url}/readyz", timeout=10).status_code) != status:
                assert time.monotonic() < until, f"readyz says {said}"
                time.sleep(0.1)

    def replace(self, number: int) -> None:
        """Start an instance anew that was killed, on its old port."""
        self.instances[number] = Instance(self.instances[number].environment, self.instances[number].port).start()


@contextmanager
def cluster(klaviyo: Any, redis: Any, home: Path, count: int = 3, **more: str) -> Iterator[Cluster]:
    """So many instances, as a proxy reaches them."""
    proxy = RoundRobin()
    register_app(klaviyo, proxy.url)
    shared = {"KLAVIYO_MCP_VAULT_URL": redis.url, "KLAVIYO_MCP_VAULT_KEY": klaviyo.vault_key}
    instances = [
        Instance(environment(klaviyo, proxy.url, home / str(number), **shared, **more)) for number in range(count)
    ]
    try:
        starting = [threading.Thread(target=instance.start) for instance in instances]
        for thread in starting:
            thread.start()
        for thread in starting:
            thread.join()
        proxy.ports = [instance.port for instance in instances]
        proxy.start()
        yield Cluster(instances, proxy, redis)
    finally:
        for instance in instances:
            instance.stop()
        proxy.stop()
