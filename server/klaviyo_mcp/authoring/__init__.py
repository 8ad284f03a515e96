"""For people who write specs, never in a running server: rules, drafting and diffing by an OpenAPI document."""
