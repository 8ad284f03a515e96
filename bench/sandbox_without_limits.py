"""The sandbox as its own process, without rate limits: `python sandbox_without_limits.py PORT`."""

import sys

import uvicorn

from klaviyo_sandbox import create_app

if __name__ == "__main__":
    app = create_app(rate_limits=False)
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning", access_log=False, lifespan="off")
