"""Where the account may send text messages: in the regions that it has a number to send from."""

from klaviyo_sandbox.calls import Session

NO_NUMBER = "Consent to text messages cannot be given: the account has no sending number for this region."
# The shop has one number, for the United States and Canada. Both share their code with islands of the Caribbean, which
# the sandbox does not tell apart.
_REGIONS = ("+1",)


def in_region(phone: str) -> bool:
    """Whether the shop has a number to send from where this one is."""
    return phone.strip().startswith(_REGIONS)


def sends_to(session: Session, phone: str | None, profile: str | None) -> bool:
    """Whether consent to text messages can be given for this number, or else for that of the profile with this id."""
    if phone is None and profile is not None:
        phone = (session.store.get(session.account, "profile", profile) or {}).get("phone_number")
    return phone is None or (session.world.entitled("sms") and in_region(phone))
