"""Text messaging: the account's configuration, the numbers it sends from, and their registrations with the carriers."""

from klaviyo_sandbox import generic
from klaviyo_sandbox.api.common import MOMENT, STRING
from klaviyo_sandbox.behaviour import text_messaging
from klaviyo_sandbox.declare import Column, Operation, Relation, Resource
from klaviyo_sandbox.shapes import Items, Record, Shape, Text

_COUNTRY = Text(pattern="[A-Z]{2}")
_AUTHORITIES = (
    "ABN",
    "ACN",
    "BRN",
    "CBN",
    "CIF",
    "CNPJ",
    "CRN",
    "EIN",
    "NEQ",
    "NIF",
    "NZBN",
    "OTHER",
    "PROVINCIAL_NUMBER",
    "SIREN",
    "SIRET",
    "UID",
    "USt-IdNr",
    "VAT",
)
_BUSINESS_TYPES = ("GOVERNMENT", "NON_PROFIT", "PRIVATE_PROFIT", "PUBLIC_PROFIT", "SOLE_PROPRIETOR")
_ADDRESS: dict[str, Shape] = {
    "street_address_1": Text(shortest=1),
    "city": Text(shortest=1),
    "region": Text(shortest=1),
    "postal_code": Text(shortest=1),
    "country": _COUNTRY,
}
_REQUIRED: dict[str, Shape] = {
    "first_name": Text(shortest=1),
    "last_name": Text(shortest=1),
    "phone_number": Text(form="phone"),
    "email": Text(form="email"),
    "address": Record({**_ADDRESS, "street_address_2": STRING}, required=tuple(_ADDRESS)),
    "business_name": Text(shortest=1),
    "business_website": Text(shortest=1),
    "business_type": Text(choices=_BUSINESS_TYPES),
}
_REGISTRATION = Record(
    {
        **_REQUIRED,
        "doing_business_as": STRING,
        "business_registration_country": Text(pattern="[A-Z]{2}", nullable=True),
        "business_registration_authority": Text(choices=_AUTHORITIES, nullable=True),
        "business_registration_number": STRING,
        "privacy_policy_url": STRING,
        "terms_of_service_url": STRING,
    },
    required=tuple(_REQUIRED),
    named=text_messaging.REGISTRATION,
)
_NEW_REGISTRATION = Record(
    {"type": Text(choices=(text_messaging.REGISTRATION,)), "attributes": _REGISTRATION}, required=("type", "attributes")
)
_OF_A_SENDER = Record({"type": Text(choices=(text_messaging.SENDER,)), "id": Text(shortest=1)}, required=("type", "id"))

RESOURCES = (
    Resource(
        text_messaging.CONFIGURATION,
        Record(
            {
                "org_prefix": Text(),
                "opt_out_language": Text(),
                "status": Text(choices=("active", "disabled")),
                "created_at": MOMENT,
                "updated_at": MOMENT,
            }
        ),
        stamps=("created_at", "updated_at"),
    ),
    Resource(
        text_messaging.SENDER,
        Record(
            {
                "sender_type": Text(choices=text_messaging.SENDER_TYPES),
                "sender_details": Record({"country": Text()}),
                "status": Text(choices=text_messaging.SENDER_STATUSES),
                "created_at": MOMENT,
                "forwarding_number": STRING,
                "sender_identifier": STRING,
            }
        ),
        ids="ulid",
        relations=(
            Relation(text_messaging.REGISTRATION, text_messaging.REGISTRATION, column="registration_id", data=True),
        ),
        stamps=("created_at", ""),
        columns={
            "created_at": Column("created_at", "moment", nullable=False),
            "registration_id": Column("_registration_id"),
            "number": Column("sender_identifier"),
        },
        indexes=(("created_at", "id"), ("number", "id")),
    ),
    Resource(
        text_messaging.REGISTRATION,
        Record(
            {
                "status": Text(choices=text_messaging.REGISTRATION_STATUSES),
                "failures": Items(Record({"detail": Text()})),
                "created_at": MOMENT,
                "updated_at": MOMENT,
                "submitted_at": MOMENT,
                "decided_at": MOMENT,
            }
        ),
        ids="ulid",
        relations=(Relation(text_messaging.SENDER, text_messaging.SENDER, column="sender_id", data=True),),
        stamps=("created_at", "updated_at"),
        columns={"sender_id": Column("_sender_id", nullable=False)},
        indexes=(("sender_id", "id"),),
    ),
)

OPERATIONS = (
    Operation("get_text_messaging_configuration", text_messaging.CONFIGURATION, generic.get_resource),
    Operation(
        "create_text_messaging_configuration",
        text_messaging.CONFIGURATION,
        text_messaging.create_configuration,
        body=Record({"org_prefix": Text(shortest=1, longest=50)}, required=("org_prefix",)),
    ),
    Operation("get_text_messaging_senders", text_messaging.SENDER, generic.list_resources, default_sort="-created_at"),
    Operation("get_text_messaging_sender", text_messaging.SENDER, generic.get_resource),
    Operation(
        "create_text_messaging_sender",
        text_messaging.SENDER,
        text_messaging.create_sender,
        body=Record(
            {
                "sender_type": Text(choices=text_messaging.SENDER_TYPES),
                "sender_details": Record({"country": Text(choices=text_messaging.COUNTRIES)}, required=("country",)),
                text_messaging.REGISTRATION: Record({"data": _NEW_REGISTRATION}, required=("data",)),
                "forwarding_number": Text(form="phone", nullable=True),
            },
            required=("sender_type", "sender_details", text_messaging.REGISTRATION),
        ),
    ),
    Operation("get_text_messaging_sender_registration", text_messaging.REGISTRATION, generic.get_resource),
    Operation(
        "create_text_messaging_sender_registration",
        text_messaging.REGISTRATION,
        text_messaging.resubmit,
        body=_REGISTRATION,
        body_relationships=Record(
            {text_messaging.SENDER: Record({"data": _OF_A_SENDER}, required=("data",))},
            required=(text_messaging.SENDER,),
        ),
    ),
    Operation(
        "get_messaging_sender_registration_for_text_messaging_sender",
        text_messaging.REGISTRATION,
        generic.get_related,
        parent=text_messaging.SENDER,
    ),
    Operation(
        "get_messaging_sender_registration_id_for_text_messaging_sender",
        text_messaging.REGISTRATION,
        generic.get_related_id,
        parent=text_messaging.SENDER,
    ),
)

WORK = {"text-messaging.decide": text_messaging.decide}
