"""A Klaviyo on this machine: an ASGI app on SQLite that answers like Klaviyo's API at revision 2026-10-15.

Use it in process (`httpx2.ASGITransport(create_app())`), in tests over HTTP (`testing.serve()`), or serve it with any
ASGI server. It never reaches the network.
"""

from klaviyo_sandbox.app import create_app
from klaviyo_sandbox.auth import API_KEY, COMPANY_ID, OTHER_API_KEY, READ_ONLY_API_KEY
from klaviyo_sandbox.clock import Clock, ManualClock, SystemClock
from klaviyo_sandbox.entitlements import UnknownFeature
from klaviyo_sandbox.faults.declared import InvalidFaults
from klaviyo_sandbox.storage.grants import CLIENT_ID, CLIENT_SECRET, REDIRECT_URIS

__all__ = [
    "API_KEY",
    "CLIENT_ID",
    "CLIENT_SECRET",
    "COMPANY_ID",
    "OTHER_API_KEY",
    "READ_ONLY_API_KEY",
    "REDIRECT_URIS",
    "Clock",
    "InvalidFaults",
    "ManualClock",
    "SystemClock",
    "UnknownFeature",
    "create_app",
]
