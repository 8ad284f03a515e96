"""Klaviyo's API as data: one module per part of it, each with its RESOURCES and OPERATIONS."""
