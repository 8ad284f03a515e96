"""Accounts: the company a key belongs to."""

from klaviyo_sandbox import generic
from klaviyo_sandbox.api.common import STRING
from klaviyo_sandbox.declare import Operation, Resource
from klaviyo_sandbox.shapes import Flag, Record, Text

_ADDRESS = Record(dict.fromkeys(("address1", "address2", "city", "region", "country", "zip"), STRING))

RESOURCES = (
    Resource(
        "account",
        Record(
            {
                "test_account": Flag(),
                "contact_information": Record(
                    {
                        "default_sender_name": Text(),
                        "default_sender_email": Text(),
                        "website_url": STRING,
                        "organization_name": Text(),
                        "street_address": _ADDRESS,
                    }
                ),
                "industry": STRING,
                "timezone": Text(),
                "preferred_currency": Text(),
                "public_api_key": Text(),
                "locale": Text(),
            }
        ),
        stamps=("", ""),
    ),
)

OPERATIONS = (
    Operation("get_accounts", "account", generic.list_resources, neighbours=True),
    Operation("get_account", "account", generic.get_resource),
)
