"""Serving the sandbox over HTTP, for demos, tests and other people's integrations."""

import sys
from pathlib import Path

import uvicorn

from klaviyo_mcp.sandbox import API_KEY, COMPANY_ID, create_app
from klaviyo_mcp.surfaces.listening import listen


def serve_sandbox(*, host: str, port: int, state: Path | None, seed: int, profiles: int) -> None:
    """Serve until interrupted. Prints how to point a client at it. Raises SettingsError when the port cannot be had."""
    listener = listen(host, port)
    url = f"http://{host}:{listener.getsockname()[1]}"
    print(
        f"A simulated Klaviyo is listening on {url}\n"
        f"  export KLAVIYO_BASE_URL={url} KLAVIYO_API_KEY={API_KEY} KLAVIYO_COMPANY_ID={COMPANY_ID}\n"
        "Stop it with Ctrl-C.",
        file=sys.stderr,
        flush=True,
    )
    app = create_app(state=state, seed=seed, profiles=profiles)
    config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off")
    uvicorn.Server(config).run(sockets=[listener])
