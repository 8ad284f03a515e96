"""Where the account may send text messages: in the regions that it has a number to send from."""

from klaviyo_sandbox.calls import Session

# The shop has one number, for the United States and Canada. Both share their code with islands of the Caribbean, which
# the sandbox does not tell apart.
_REGIONS = ("+1",)


def sends_to(session: Session, phone: str) -> bool:
    """Whether consent to text messages can be given for this number."""
    return session.world.entitled("sms") and phone.strip().startswith(_REGIONS)
