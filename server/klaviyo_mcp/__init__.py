"""Every Klaviyo action as a tool for AI agents, described once in a spec file and run by one engine.

For Python programs: `from klaviyo_mcp import Klaviyo` (docs/toolkit.md). What is named here is loaded when it is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from klaviyo_mcp.toolkit.answers import AccountInfo, ActionInfo, Answer, Confirmation, Found, Plan
    from klaviyo_mcp.toolkit.blocking import KlaviyoSync
    from klaviyo_mcp.toolkit.client import Klaviyo
    from klaviyo_mcp.toolkit.errors import (
        CallError,
        ConfigurationError,
        FrameworkMissing,
        InvalidCall,
        KlaviyoToolkitError,
        NotAllowed,
        NotFound,
        OutcomeUnknown,
        Problem,
        TryLater,
    )

__version__ = "0.1.0"
__all__ = [
    "AccountInfo",
    "ActionInfo",
    "Answer",
    "CallError",
    "ConfigurationError",
    "Confirmation",
    "Found",
    "FrameworkMissing",
    "InvalidCall",
    "Klaviyo",
    "KlaviyoSync",
    "KlaviyoToolkitError",
    "NotAllowed",
    "NotFound",
    "OutcomeUnknown",
    "Plan",
    "Problem",
    "TryLater",
    "__version__",
]
_LIES_IN = {
    "answers": ("AccountInfo", "ActionInfo", "Answer", "Confirmation", "Found", "Plan"),
    "blocking": ("KlaviyoSync",),
    "client": ("Klaviyo",),
}
"""Modules of the toolkit and what is taken of them; the rest is of `errors`."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = next((module for module, names in _LIES_IN.items() if name in names), "errors")
    return getattr(import_module(f"{__name__}.toolkit.{module}"), name)
