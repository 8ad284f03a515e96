"""Webhooks, and their topics."""

from klaviyo_mcp.sandbox.declare import Operation, Resource

RESOURCES: tuple[Resource, ...] = ()

OPERATIONS: tuple[Operation, ...] = ()
