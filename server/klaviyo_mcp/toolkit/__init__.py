"""Klaviyo in Python programs and agent frameworks, with the engine, policies and errors of the server."""
