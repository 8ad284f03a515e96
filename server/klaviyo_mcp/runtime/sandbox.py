"""The simulated Klaviyo: as an account in this process, and served over HTTP. No other module imports it."""

import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx2

from klaviyo_mcp.accounts.account import OneAccount, open_account
from klaviyo_mcp.accounts.endpoint import Endpoint
from klaviyo_mcp.klaviyo.kept import KeptReplies
from klaviyo_mcp.klaviyo.pool import HttpPool
from klaviyo_mcp.runtime.listening import listen
from klaviyo_mcp.runtime.settings import SettingsError
from klaviyo_sandbox import API_KEY, COMPANY_ID, UnknownFeature, create_app
from klaviyo_sandbox.faults.declared import InvalidFaults

URL = "http://sandbox.localhost"
"""The base URL of the sandbox in this process; no name lookup and no connection is made for it."""


def sandbox_account(*, pace: bool = True, kept: KeptReplies | None = None) -> OneAccount:
    """An account of a sandbox in this process, with the demo shop in it. Its state ends with the process."""
    pool = HttpPool(httpx2.ASGITransport(app=create_app()))
    endpoint = Endpoint(URL, pool, pace, kept=kept or KeptReplies())
    return OneAccount(open_account("sandbox", endpoint, api_key=API_KEY, company_id=COMPANY_ID), endpoint)


@contextmanager
def sandbox_with_app(app_id: str, secret: str, redirect_uri: str) -> Generator[str]:
    """A sandbox on a free port of this machine for as long as a `with` block lasts, which gets its URL.

    It knows one OAuth app, whose consent page lets a person choose among its companies.
    """
    from klaviyo_sandbox.testing import serve  # loads what serving takes, as below

    with serve() as url:
        app = {"client_id": app_id, "client_secret": secret, "redirect_uris": [redirect_uri], "name": "klaviyo-mcp"}
        with httpx2.Client(trust_env=False) as client:
            client.post(f"{url}/_sandbox/oauth/apps", json=app).raise_for_status()
        yield url


def serve_sandbox(
    *,
    host: str,
    port: int,
    state: Path | None,
    seed: int,
    profiles: int,
    faults: Path | None,
    speed: float,
    without: Sequence[str] = (),
) -> None:
    """Serve until interrupted. Prints how to point a client at it.

    Raises SettingsError when the port cannot be had, the state cannot be kept, the faults cannot be read or a
    feature is not known.
    """
    # An account in this process serves nothing, and need not load what serving takes.
    import uvicorn

    if state is not None and not state.parent.is_dir():
        raise SettingsError(f"--state: there is no folder {state.parent} to keep {state.name} in.")
    try:
        app = create_app(state=state, seed=seed, profiles=profiles, faults=faults, speed=speed, without=without)
    except (InvalidFaults, OSError) as error:
        raise SettingsError(f"--faults: {error}") from None
    except UnknownFeature as error:
        raise SettingsError(f"--without: {error}") from None
    listener = listen(host, port)
    url = f"http://{host}:{listener.getsockname()[1]}"
    print(
        f"A simulated Klaviyo is listening on {url}\n"
        f"  export KLAVIYO_BASE_URL={url} KLAVIYO_API_KEY={API_KEY} KLAVIYO_COMPANY_ID={COMPANY_ID}\n"
        "Stop it with Ctrl-C.",
        file=sys.stderr,
        flush=True,
    )
    # The sandbox dates its answers itself: its clock may be ahead of the machine's.
    config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off", date_header=False)
    uvicorn.Server(config).run(sockets=[listener])
