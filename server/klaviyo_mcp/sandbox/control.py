"""The sandbox's own endpoints: what was requested, start over, move the clock, confirm a double opt-in."""

import json
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from klaviyo_mcp.sandbox.auth import COMPANY_ID
from klaviyo_mcp.sandbox.clock import iso
from klaviyo_mcp.sandbox.handlers.consent import confirm_subscriptions
from klaviyo_mcp.sandbox.service import Service


def control_routes(service: Service) -> list[Route]:
    """Routes under /_sandbox. They need no key, and are never logged or throttled.

    GET  /_sandbox/requests  the last 500 API requests, oldest first, without their secrets
    POST /_sandbox/reset     back to the freshly seeded shop
    POST /_sandbox/clock     {"advance": seconds}: move time forward, and do the work that comes due
    POST /_sandbox/confirm   {"contact": email or phone number}: what answering a double opt-in message does
    """

    async def requests(_: Request) -> Response:
        return JSONResponse(list(service.log))

    async def reset(_: Request) -> Response:
        service.reset()
        return JSONResponse({"now": iso(service.clock.now())})

    async def clock(request: Request) -> Response:
        seconds = (await _body(request)).get("advance")
        if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 <= seconds < 1e10:
            return _refuse('Say how many seconds to move forward, for example {"advance": 60}.')
        service.ready()
        service.clock.advance(seconds)
        service.settle()
        return JSONResponse({"now": iso(service.clock.now())})

    async def confirm(request: Request) -> Response:
        body = await _body(request)
        contact, account = body.get("contact"), body.get("company_id", COMPANY_ID)
        if not isinstance(contact, str) or not isinstance(account, str):
            return _refuse('Say whose subscription to confirm, for example {"contact": "ana@example.org"}.')
        service.ready()
        confirmed = service.write(account, lambda session: confirm_subscriptions(session, contact.lower()))
        return JSONResponse({"confirmed": confirmed})

    return [
        Route("/_sandbox/requests", requests, methods=["GET"]),
        Route("/_sandbox/reset", reset, methods=["POST"]),
        Route("/_sandbox/clock", clock, methods=["POST"]),
        Route("/_sandbox/confirm", confirm, methods=["POST"]),
    ]


async def _body(request: Request) -> dict[str, Any]:
    try:
        body: Any = json.loads(await request.body())
    except ValueError:
        return {}
    return cast(dict[str, Any], body) if isinstance(body, dict) else {}


def _refuse(reason: str) -> Response:
    return JSONResponse({"error": reason}, status_code=400)
