"""The sandbox's own endpoints: what was requested, state, time, faults, OAuth apps, confirming a double opt-in."""

import json

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from klaviyo_sandbox.auth import COMPANY_ID
from klaviyo_sandbox.behaviour import test_emails, webhooks
from klaviyo_sandbox.behaviour.subscribing import confirm_subscriptions
from klaviyo_sandbox.clock import iso
from klaviyo_sandbox.facts import REVISION, REVISIONS
from klaviyo_sandbox.faults.declared import InvalidFaults, parse_faults
from klaviyo_sandbox.loose_json import Json, mapping
from klaviyo_sandbox.shapes import Check, Flag, Items, Number, Record, Text
from klaviyo_sandbox.state import State
from klaviyo_sandbox.storage import snapshots
from klaviyo_sandbox.storage.grants import OAuthApp, wrong_redirect_uri


def control_routes(state: State) -> list[Route]:
    """Routes under /_sandbox. They need no key, and are never logged or throttled.

    GET  /_sandbox/requests    the last 500 API and OAuth requests, oldest first, no secrets (?last=25: fewer;
                               ?after=7: those whose `number` is higher)
    GET  /_sandbox/openapi.json  a description of the API at its newest revision (?revision=2026-07-15: at that one)
    GET  /_sandbox/summary     what the page at / shows: the time, and what each company has
    POST /_sandbox/reset       back to the freshly seeded shop
    GET  /_sandbox/clock       what time it is
    POST /_sandbox/clock       {"advance": seconds}: move time forward, and do the work that comes due
    GET  /_sandbox/deliveries  what was posted to webhooks of the account ?company_id=…, and what became of it
    GET  /_sandbox/outbox      the test emails of templates that the account ?company_id=… sent
    POST /_sandbox/confirm     {"contact": email or phone number}: what answering a double opt-in message does
    POST /_sandbox/snapshot    {"name": name}: copy the whole state
    POST /_sandbox/restore     {"name": name}: go back to that copy
    GET  /_sandbox/snapshots   the names of all copies
    GET  /_sandbox/faults      the faults in force and what they struck
    POST /_sandbox/faults      a JSON or YAML list of faults, which replace those in force
    DELETE /_sandbox/faults    no faults any more
    GET  /_sandbox/oauth       whether consent is given by itself and for which company, and how long tokens live
    POST /_sandbox/oauth       {"auto_approve": …, "company_id": …, "access_token_seconds": …}: change some of it
    POST /_sandbox/oauth/apps  {"client_id": …, "client_secret": …, "redirect_uris": […], "name": …}: register an app
    """
    return [*_reading_routes(state), *_acting_routes(state), *_state_routes(state), *_oauth_routes(state)]


def _reading_routes(state: State) -> list[Route]:
    async def requests(request: Request) -> Response:
        last, after = (_count(request.query_params.get(name, "")) for name in ("last", "after"))
        entries = [entry for entry in state.logged() if entry["number"] > after]
        return JSONResponse(entries[-last:])

    async def openapi(request: Request) -> Response:
        # Made on request, because few ask for it.
        from klaviyo_sandbox.openapi import describe

        revision = request.query_params.get("revision", REVISION)
        if revision not in REVISIONS:
            return _refuse(f"The revisions that are described here are {' and '.join(REVISIONS)}.")
        return JSONResponse(describe(revision))

    async def deliveries(request: Request) -> Response:
        account = request.query_params.get("company_id", COMPANY_ID)
        return JSONResponse(state.read(lambda: webhooks.deliveries(state.store, account)))

    async def outbox(request: Request) -> Response:
        account = request.query_params.get("company_id", COMPANY_ID)
        state.ready()
        state.settle()
        return JSONResponse(state.read(lambda: test_emails.outbox(state.store, account)))

    return [
        Route("/_sandbox/requests", requests, methods=["GET"]),
        Route("/_sandbox/openapi.json", openapi, methods=["GET"]),
        Route("/_sandbox/deliveries", deliveries, methods=["GET"]),
        Route("/_sandbox/outbox", outbox, methods=["GET"]),
    ]


def _acting_routes(state: State) -> list[Route]:
    async def reset(_: Request) -> Response:
        state.reset()
        return JSONResponse({"now": iso(state.clock.now())})

    async def clock(request: Request) -> Response:
        if request.method != "POST":
            return JSONResponse({"now": iso(state.clock.now())})
        seconds = (await _body(request)).get("advance")
        if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 <= seconds < 1e10:
            return _refuse('Say how many seconds to move forward, for example {"advance": 60}.')
        state.ready()
        state.clock.advance(seconds)
        state.settle()
        return JSONResponse({"now": iso(state.clock.now())})

    async def confirm(request: Request) -> Response:
        body = await _body(request)
        contact, account = body.get("contact"), body.get("company_id", COMPANY_ID)
        if not isinstance(contact, str) or not isinstance(account, str):
            return _refuse('Say whose subscription to confirm, for example {"contact": "ana@example.org"}.')
        state.ready()
        confirmed = state.write(account, lambda session: confirm_subscriptions(session, contact.lower()))
        return JSONResponse({"confirmed": confirmed})

    return [
        Route("/_sandbox/reset", reset, methods=["POST"]),
        Route("/_sandbox/clock", clock, methods=["GET", "POST"]),
        Route("/_sandbox/confirm", confirm, methods=["POST"]),
    ]


def _state_routes(state: State) -> list[Route]:
    store = state.store

    async def snapshot(request: Request) -> Response:
        name = (await _body(request)).get("name")
        if not snapshots.valid_name(name):
            return _refuse('Name the snapshot with letters, digits, dashes and underscores: {"name": "before"}.')
        state.change(lambda: snapshots.take(store, str(name)))
        return JSONResponse({"name": name})

    async def restore(request: Request) -> Response:
        name = (await _body(request)).get("name")
        if not (snapshots.valid_name(name) and state.change(lambda: snapshots.restore(store, str(name)))):
            kept = state.read(lambda: snapshots.names(store))
            return _refuse(f"There is no such snapshot. There are: {', '.join(kept) or 'none'}.", 404)
        state.settle()
        return JSONResponse({"name": name})

    async def kept_snapshots(_: Request) -> Response:
        return JSONResponse(state.read(lambda: snapshots.names(store)))

    async def faults(request: Request) -> Response:
        try:
            if request.method == "POST":
                state.faults.replace(parse_faults(await request.body()))
        except InvalidFaults as error:
            return _refuse(str(error))
        if request.method == "DELETE":
            state.faults.replace(())
        return JSONResponse(state.faults.listing())

    return [
        Route("/_sandbox/snapshot", snapshot, methods=["POST"]),
        Route("/_sandbox/restore", restore, methods=["POST"]),
        Route("/_sandbox/snapshots", kept_snapshots, methods=["GET"]),
        Route("/_sandbox/faults", faults, methods=["GET", "POST", "DELETE"]),
    ]


def _oauth_routes(state: State) -> list[Route]:
    async def settings(request: Request) -> Response:
        if request.method == "POST":
            companies = state.read(state.grants.companies)
            body, check = await _body(request), Check("settings")
            check.value(_settings_shape([account for account, _ in companies]), body, "")
            if check.problems or not body.get("access_token_seconds", 1) > 0:
                details = " ".join(problem.detail for problem in check.problems)
                return _refuse(details or "'access_token_seconds' must be positive.")
            state.change(lambda: state.grants.set(body))
        return JSONResponse(state.read(state.grants.settings))

    async def apps(request: Request) -> Response:
        body, check = await _body(request), Check("app")
        check.value(_APP, body, "")
        if check.problems:
            return _refuse(" ".join(problem.detail for problem in check.problems))
        uris: list[str] = body["redirect_uris"]
        wrong = wrong_redirect_uri(uris)
        if wrong is not None:
            return _refuse(wrong)
        app = OAuthApp(body["client_id"], body["client_secret"], body.get("name", body["client_id"]), tuple(uris))
        state.change(lambda: state.grants.register(app))
        return JSONResponse({"client_id": app.client, "name": app.name, "redirect_uris": uris}, 201)

    return [
        Route("/_sandbox/oauth", settings, methods=["GET", "POST"]),
        Route("/_sandbox/oauth/apps", apps, methods=["POST"]),
    ]


_WORD = Text(shortest=1, longest=200)
_APP = Record(
    {"client_id": _WORD, "client_secret": _WORD, "name": _WORD, "redirect_uris": Items(_WORD, least=1, most=20)},
    required=("client_id", "client_secret", "redirect_uris"),
)


def _settings_shape(companies: list[str]) -> Record:
    return Record(
        {
            "auto_approve": Flag(),
            "company_id": Text(choices=tuple(companies)),
            "access_token_seconds": Number(whole=True),
        }
    )


async def _body(request: Request) -> Json:
    try:
        return mapping(json.loads(await request.body()))
    except ValueError:
        return {}


def _refuse(reason: str, status: int = 400) -> Response:
    return JSONResponse({"error": reason}, status_code=status)


def _count(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0
