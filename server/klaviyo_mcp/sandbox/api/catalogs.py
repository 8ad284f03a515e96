"""Catalogue items, variants and categories, their bulk jobs, and back-in-stock subscriptions."""

from klaviyo_mcp.sandbox.declare import Operation, Resource

RESOURCES: tuple[Resource, ...] = ()

OPERATIONS: tuple[Operation, ...] = ()
