"""The authorization server of a hosted klaviyo-mcp: its rules and what it keeps. No routes, no pages, no framework."""
