"""What a business says of itself to send texts."""

PINE = {
    "first_name": "Maya",
    "last_name": "Lindqvist",
    "phone_number": "+15035550142",
    "email": "maya@juniperandpine.example",
    "address": {
        "street_address_1": "18 Alder Street",
        "city": "Portland",
        "region": "OR",
        "postal_code": "97205",
        "country": "US",
    },
    "business_name": "Juniper & Pine LLC",
    "business_website": "https://juniperandpine.example",
    "business_type": "PRIVATE_PROFIT",
    "business_registration_country": "US",
    "business_registration_authority": "EIN",
    "business_registration_number": "12-3456789",
}
