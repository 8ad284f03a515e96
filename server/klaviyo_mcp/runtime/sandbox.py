"""Serving the sandbox over HTTP, for demos, tests and other people's integrations."""

import sys
from pathlib import Path

import uvicorn

from klaviyo_mcp.runtime.listening import listen
from klaviyo_mcp.runtime.settings import SettingsError
from klaviyo_sandbox import API_KEY, COMPANY_ID, create_app
from klaviyo_sandbox.faults.declared import InvalidFaults


def serve_sandbox(
    *, host: str, port: int, state: Path | None, seed: int, profiles: int, faults: Path | None, speed: float
) -> None:
    """Serve until interrupted. Prints how to point a client at it.

    Raises SettingsError when the port cannot be had, the state cannot be kept or the faults cannot be read.
    """
    if state is not None and not state.parent.is_dir():
        raise SettingsError(f"--state: there is no folder {state.parent} to keep {state.name} in.")
    try:
        app = create_app(state=state, seed=seed, profiles=profiles, faults=faults, speed=speed)
    except (InvalidFaults, OSError) as error:
        raise SettingsError(f"--faults: {error}") from None
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
