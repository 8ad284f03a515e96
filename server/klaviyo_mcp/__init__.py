"""Every Klaviyo action as a tool for AI agents, described once in a spec file and run by one engine."""

__version__ = "0.1.0"
