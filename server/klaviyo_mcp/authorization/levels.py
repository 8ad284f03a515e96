"""Three levels of access, each with the scopes at Klaviyo that its actions need. All of it follows from the specs."""

from typing import Literal

Level = Literal["klaviyo:read", "klaviyo:marketing", "klaviyo:full"]
