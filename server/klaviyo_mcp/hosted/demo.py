"""Surroundings to try the hosted service in, on one machine: a sandbox as Klaviyo, and secrets for a while."""

import base64
import os
import secrets
import signal
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from types import FrameType

from klaviyo_mcp.runtime.listening import listen
from klaviyo_mcp.runtime.sandbox import sandbox_with_app

HOST = "127.0.0.1"
APP = "hosted-demo"


@dataclass(frozen=True, slots=True)
class HostedDemo:
    """A demo under way: the `port` to serve at, and the addresses of the service and of its Klaviyo."""

    port: int
    url: str
    klaviyo: str

    @property
    def words(self) -> str:
        """What a person is told: where to go and what to try."""
        return (
            f"The hosted service, with a simulated Klaviyo behind it: {self.url}\n"
            f"  1. Open {self.url}, choose a level of access and connect; the simulated Klaviyo asks which shop.\n"
            f"  2. Add {self.url}/mcp to a client on this machine, such as:\n"
            f"       claude mcp add --transport http klaviyo {self.url}/mcp\n"
            "     It asks for consent in the browser, with a level of its own.\n"
            f"  3. See it under {self.url}/manage, and disconnect it there.\n"
            f"What arrives at the simulated Klaviyo can be watched at {self.klaviyo}\n"
            "Nothing leaves this machine, and all of it is forgotten at the end. Stop it with Ctrl-C."
        )


@contextmanager
def hosted_demo(port: int) -> Generator[HostedDemo]:
    """For as long as a `with` block lasts: a sandbox, a folder, and settings in the environment of this process.

    Settings that were there are taken out, so that no account of the person's is used. `port` 0 is a free one. Raises
    SettingsError for a port that is taken.
    """
    with listen(HOST, port) as listener:
        port = listener.getsockname()[1]
    url, app_secret = f"http://{HOST}:{port}", secrets.token_urlsafe(32)
    # Without this a process that is told to stop would leave the folder behind.
    signal.signal(signal.SIGTERM, _leave)
    with (
        TemporaryDirectory(prefix="klaviyo-mcp-demo-") as home,
        sandbox_with_app(APP, app_secret, f"{url}/oauth/klaviyo/callback") as klaviyo,
    ):
        for name in [name for name in os.environ if name.upper().startswith("KLAVIYO_")]:
            del os.environ[name]
        os.environ |= {
            "KLAVIYO_BASE_URL": klaviyo,
            "KLAVIYO_OAUTH_BASE_URL": klaviyo,
            "KLAVIYO_CLIENT_ID": APP,
            "KLAVIYO_CLIENT_SECRET": app_secret,
            "KLAVIYO_MCP_PUBLIC_URL": url,
            "KLAVIYO_MCP_SECRET": secrets.token_urlsafe(32),
            "KLAVIYO_MCP_VAULT_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            "KLAVIYO_MCP_HOME": home,
            "KLAVIYO_MCP_DRAIN": "0",
        }
        yield HostedDemo(port, url, klaviyo)


def _leave(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(0)
