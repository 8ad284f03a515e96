"""How an account comes to send text messages: set up once, then a number, which the carriers look at for some days.

A toll-free number is one sender in each of its countries. Each sender has a registration of its own, and all of a
number are decided alike: that is the sandbox's choice, as are the reasons for which it rejects. They are among those
that Klaviyo names.
"""

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from klaviyo_sandbox import documents
from klaviyo_sandbox.calls import Answer, Call, Session
from klaviyo_sandbox.errors import INVALID_INPUT, ApiError, Problem, conflict
from klaviyo_sandbox.loose_json import Json
from klaviyo_sandbox.storage.store import Row

CONFIGURATION = "text-messaging-configuration"
SENDER = "text-messaging-sender"
REGISTRATION = "text-messaging-sender-registration"
SENDER_TYPES = ("alpha", "long_code", "short_code", "toll_free", "vanity_short_code")
SENDER_STATUSES = ("active", "pending_registration", "registering", "registration_failed", "suspended")
REGISTRATION_STATUSES = ("action_required", "approved", "in_review", "rejected")
COUNTRIES = ("CA", "US")
OPT_OUT = "Text STOP to opt-out"

# Klaviyo speaks of two to five business days.
REVIEW_SECONDS = 3 * 86400
_FREE_MAIL = ("gmail.com", "hotmail.com", "outlook.com", "yahoo.com")
# Where nothing can ever be, by RFC 6761.
_NOWHERE = ".invalid"
_EMBEDDED = f"/data/attributes/{REGISTRATION}/data/attributes"


def create_configuration(call: Call) -> Answer:
    """Set text messages up, once for an account, whose id is that of the configuration."""
    if not call.world.entitled("sms"):
        detail = "This account is not eligible for SMS. Contact Klaviyo's support."
        raise ApiError(403, [Problem("not_eligible_for_sms", "Forbidden.", detail, {"pointer": "/data"})])
    if call.store.get(call.account, CONFIGURATION, call.account) is not None:
        detail = "An SMS account already exists for this company."
        raise conflict(detail, "sms_account_already_exists", pointer="/data")
    body = configuration(call.data["attributes"]["org_prefix"], call.stamp)
    call.store.insert(call.account, CONFIGURATION, call.account, body)
    return documents.one(call, Row(call.account, body), 201)


def configuration(prefix: str, at: str) -> Json:
    """The configuration that an account begins with."""
    return {
        "org_prefix": prefix,
        "opt_out_language": OPT_OUT,
        "status": "active",
        "created_at": at,
        "updated_at": at,
    }


def create_sender(call: Call) -> Answer:
    """A toll-free number, as a sender in each country, handed in for review. Answers with that of the country asked."""
    attributes: Json = call.data["attributes"]
    if attributes["sender_type"] != "toll_free":
        detail = f"Senders of the type '{attributes['sender_type']}' are not yet supported. Use toll_free."
        raise _refused("not_yet_supported", detail, "/data/attributes/sender_type")
    if call.store.get(call.account, CONFIGURATION, call.account) is None:
        detail = "An SMS account is required. Create a text messaging configuration first."
        raise ApiError(403, [Problem("sms_account_required", "Forbidden.", detail, {"pointer": "/data"})])
    details: Json = attributes[REGISTRATION]["data"]["attributes"]
    _check_business(details, _EMBEDDED)
    if any(_holds_a_number(row.body) for row in call.store.page(call.account, SENDER)):
        raise conflict("The company has reached its limit of toll-free numbers.", "phone_number_limit_reached")
    # Numbers from 0100 to 0199 after 555 are nobody's.
    number = f"+187755501{int.from_bytes(call.store.next_digest()[:4]) % 100:02}"
    asked = attributes["sender_details"]["country"]
    senders: dict[str, Row] = {}
    for country in COUNTRIES:
        body = sender("toll_free", country, number, call.stamp, attributes.get("forwarding_number"))
        senders[country] = Row(call.new_id(SENDER), body)
        call.store.insert(call.account, SENDER, senders[country].id, body)
    _submit(call, list(senders.values()), details)
    return documents.one(call, senders[asked], 201)


def sender(kind: str, country: str, number: str, at: str, forwarding: str | None = None) -> Json:
    """A sender that waits for the review of its number."""
    return {
        "sender_type": kind,
        "sender_details": {"country": country},
        "status": "pending_registration",
        "created_at": at,
        "forwarding_number": forwarding,
        "sender_identifier": number,
    }


def registration(sender: str, at: str) -> Json:
    """A registration that has just been handed in."""
    return {
        "status": "in_review",
        "failures": [],
        "created_at": at,
        "updated_at": at,
        "submitted_at": at,
        "decided_at": None,
        "_sender_id": sender,
    }


def resubmit(call: Call) -> Answer:
    """Hand in a number again that was rejected. The old registration stays as it is."""
    identifier: str = call.data["relationships"][SENDER]["data"]["id"]
    attributes: Json = call.data["attributes"]
    body = call.require(SENDER, identifier)
    if body["sender_type"] != "toll_free":
        detail = f"The sender is of the type '{body['sender_type']}'; only toll_free ones can be registered again."
        raise _refused("not_yet_supported", detail, f"/data/relationships/{SENDER}")
    _check_business(attributes, "/data/attributes")
    status = call.require(REGISTRATION, body["_registration_id"])["status"]
    if status == "in_review":
        raise conflict("The registration of this sender is still in review.", "registration_in_flight", pointer="/data")
    if status != "rejected":
        detail = f"The registration of this sender is '{status}'; only a rejected one can be submitted again."
        raise conflict(detail, "registration_not_resubmittable", pointer="/data")
    rows = call.store.find(call.account, SENDER, "number", body["sender_identifier"])
    for row in rows:
        row.body["status"] = "pending_registration"
    _submit(call, rows, attributes)
    made = call.require(SENDER, identifier)["_registration_id"]
    return documents.one(call, Row(made, registration(identifier, call.stamp)), 201)


def decide(session: Session, payload: Json) -> None:
    """The carriers have looked at the registrations of a number."""
    failures: list[str] = payload["failures"]
    for identifier in payload["registrations"]:
        body = session.require(REGISTRATION, identifier)
        body.update(
            status="rejected" if failures else "approved",
            failures=[{"detail": detail} for detail in failures],
            updated_at=session.stamp,
            decided_at=session.stamp,
        )
        session.store.replace(session.account, REGISTRATION, identifier, body)
        of = session.require(SENDER, body["_sender_id"])
        of["status"] = "registration_failed" if failures else "active"
        session.store.replace(session.account, SENDER, body["_sender_id"], of)


def reasons(details: Json) -> Iterator[str]:
    """Why carriers would reject a registration of these details."""
    if details["email"].rpartition("@")[2].strip().lower() in _FREE_MAIL:
        yield "The contact's email address must belong to the domain of the business, not to a free mail service."
    for name in ("business_website", "privacy_policy_url", "terms_of_service_url"):
        address: str | None = details.get(name)
        if address is None:
            continue
        parts = urlsplit(address)
        said = name.replace("_", " ").replace("url", "page")
        if parts.scheme != "https":
            yield f"The {said} must be a secure address, one that begins with https."
        elif (parts.hostname or "").endswith(_NOWHERE):
            yield f"The {said} could not be reached. It must be live and open to everybody."


def _submit(session: Session, senders: Sequence[Row], details: Json) -> None:
    """A registration for each sender of a number, and its decision some days later."""
    made: list[str] = []
    for row in senders:
        identifier = session.new_id(REGISTRATION)
        session.store.insert(session.account, REGISTRATION, identifier, registration(row.id, session.stamp))
        row.body["_registration_id"] = identifier
        session.store.replace(session.account, SENDER, row.id, row.body)
        made.append(identifier)
    payload: Json = {"registrations": made, "failures": list(reasons(details))}
    session.schedule("text-messaging.decide", payload, REVIEW_SECONDS)


def _holds_a_number(body: Json) -> bool:
    """Whether a sender takes the one toll-free number that an account may have. A rejected one does not."""
    return body["sender_type"] == "toll_free" and body["status"] != "registration_failed"


def _check_business(details: Json, pointer: str) -> None:
    """Who a business is registered with: all of it, or, for a sole proprietor in the US, the country alone."""
    names = ("country", "authority", "number")
    given = [name for name in names if details.get(f"business_registration_{name}")]
    alone = details["business_type"] == "SOLE_PROPRIETOR" and details.get("business_registration_country") == "US"
    if len(given) == len(names) or (alone and given == ["country"]):
        return
    lacking = next(name for name in names if name not in given)
    detail = "The country, authority and number of the business registration are required together."
    raise _refused("business_registration_required", detail, f"{pointer}/business_registration_{lacking}")


def _refused(code: str, detail: str, pointer: str) -> ApiError:
    return ApiError(400, [Problem(code, INVALID_INPUT, detail, {"pointer": pointer})])
