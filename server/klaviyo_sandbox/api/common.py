"""Names for combinations that many declarations share."""

from klaviyo_sandbox.declare import Filter
from klaviyo_sandbox.shapes import Flag, Text

STRING = Text(nullable=True)
MOMENT = Text(form="moment", nullable=True)
BOOLEAN = Flag(nullable=True)

RANGE = ("greater-or-equal", "greater-than", "less-or-equal", "less-than")
MATCHES = ("contains", "ends-with", "equals", "starts-with")

BY_ID = Filter(single=("equals",), listed=("any", "equals"))
BY_NAME_LIST = Filter(listed=("any", "equals"))
SINCE = Filter("moment", ("greater-than",))
BETWEEN = Filter("moment", RANGE)
AT_OR_BETWEEN = Filter("moment", ("equals", *RANGE))
IS = Filter("flag", ("equals",))


def sortable(*names: str) -> dict[str, str]:
    """Sort names that are columns of the same name."""
    return {name: name for name in names}
