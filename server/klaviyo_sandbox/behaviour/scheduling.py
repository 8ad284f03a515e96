"""Scheduling messages of campaigns, one or several at once, and cancelling or reverting that."""

from klaviyo_sandbox import documents
from klaviyo_sandbox.behaviour import sending
from klaviyo_sandbox.behaviour.campaign_records import MESSAGE, UNDER_WAY
from klaviyo_sandbox.behaviour.send_times import grace, starting_moment
from klaviyo_sandbox.calls import Answer, Call, Session
from klaviyo_sandbox.clock import parse_moment
from klaviyo_sandbox.errors import conflict, invalid_body
from klaviyo_sandbox.loose_json import Json, mapping
from klaviyo_sandbox.storage.store import Row

_ATTRIBUTES = "/data/attributes"
_SMART = "smart_send_time"


def schedule_message(call: Call) -> Answer:
    """Have a draft go out at a time of its own."""
    message: str = call.data["relationships"]["campaign-message"]["data"]["id"]
    row = Row(message, call.require(MESSAGE, message))
    attributes: Json = call.data["attributes"]
    _check(call, row, attributes, _ATTRIBUTES)
    _schedule(call, row, attributes)
    return documents.one(call, Row(message, {**_shown(attributes), "_message_id": message}), 201)


def schedule_campaign(call: Call) -> Answer:
    """Have messages of a campaign go out, each at a time of its own: all that are listed, or none."""
    campaign: str = call.data["relationships"]["campaign"]["data"]["id"]
    call.require("campaign", campaign)
    asked: list[Json] = call.data["attributes"]["message_schedules"]
    rows: list[Row] = []
    for number, each in enumerate(asked):
        pointer = f"{_ATTRIBUTES}/message_schedules/{number}"
        message: str = each["message_id"]
        body = call.store.get(call.account, MESSAGE, message)
        if body is None or body["_campaign_id"] != campaign:
            raise invalid_body(f"{pointer}/message_id", f"'{message}' is no message of campaign {campaign}.")
        if any(row.id == message for row in rows):
            raise invalid_body(f"{pointer}/message_id", f"'{message}' is listed twice.")
        rows.append(Row(message, body))
        _check(call, rows[-1], each, pointer)
    for row, each in zip(rows, asked, strict=True):
        _schedule(call, row, each)
    shown = [{**_shown(each), "id": each["message_id"]} for each in asked]
    return documents.one(call, Row(campaign, {"messages": shown, "_campaign_id": campaign}), 201)


def update_schedule(call: Call) -> Answer:
    """Stop a scheduled message: for good (`cancel`), or to make it a draft again (`revert`)."""
    body = call.require(MESSAGE, call.id)
    if body["_status"] not in UNDER_WAY:
        status: str = body["definition"]["status"]
        raise conflict(f"Message with id {call.id} has the status '{status}' and is not scheduled.")
    sending.stop(call, Row(call.id, body), call.data["attributes"]["action"])
    return Answer(204)


def _schedule(call: Call, row: Row, asked: Json) -> None:
    # What the draft was to be sent by comes back when the schedule is reverted.
    row.body.update(_before=row.body["_strategy"], _strategy=_strategy(asked))
    start = starting_moment(call, row.body["_strategy"])
    sending.schedule(call, row, start if start and start > call.now else None)


def _check(session: Session, row: Row, asked: Json, pointer: str) -> None:
    """Raises ApiError: 409 for what is no draft, 400 for what is not complete and for a time that cannot be."""
    status: str = row.body["definition"]["status"]
    if status != "draft":
        detail = f"Message with id {row.id} has the status '{status}'; only drafts can be scheduled."
        raise conflict(detail)
    needed = {_SMART: ("send_date",), "throttled": ("send_time", "throttled_options")}
    for name in needed.get(asked["strategy"], ("send_time",)):
        if asked.get(name) is None:
            raise invalid_body(f"{pointer}/{name}", f"'{name}' is required with the strategy '{asked['strategy']}'.")
    if asked["strategy"] == _SMART:
        strategy = _strategy(asked)
        day = starting_moment(session, strategy)
        if day is not None and day + grace(strategy) <= session.now:
            raise invalid_body(f"{pointer}/send_date", "'send_date' must not be in the past.")
    else:
        moment = parse_moment(asked["send_time"])
        if moment is None or moment <= session.now:
            raise invalid_body(f"{pointer}/send_time", "'send_time' must be in the future.")
    missing = sending.what_is_missing(session, row.id)
    if missing is not None:
        raise invalid_body(pointer, f"Message with id {row.id} {missing}, and cannot be scheduled.")


def _strategy(asked: Json) -> Json:
    """The send strategy of a campaign that does what a schedule asks for."""
    match asked["strategy"]:
        case "smart_send_time":
            return {"method": _SMART, "date": asked["send_date"]}
        case "throttled":
            options: Json = asked["throttled_options"]
            return {
                "method": "throttled",
                "datetime": asked["send_time"],
                "throttle_percentage": options["throttling_percentage"],
                "unit": options.get("throttle_unit", "hour"),
            }
        case kind:
            local = kind == "local_timezone"
            tomorrow = bool(mapping(asked.get("timezone_options")).get("send_past_timezones_tomorrow"))
            place: Json = {"is_local": local, "send_past_recipients_immediately": local and not tomorrow}
            return {"method": "static", "datetime": asked["send_time"], "options": place, "tomorrow": tomorrow}


def _shown(asked: Json) -> Json:
    throttled: Json = (asked.get("throttled_options") or {}) if asked["strategy"] == "throttled" else {}
    by_date = asked["strategy"] == _SMART
    return {
        "strategy": asked["strategy"],
        "send_time": None if by_date else asked["send_time"],
        "send_date": asked["send_date"] if by_date else None,
        "throttling_percentage": throttled.get("throttling_percentage"),
        "throttle_unit": throttled.get("throttle_unit", "hour") if throttled else None,
    }
