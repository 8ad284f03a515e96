"""How to talk to Klaviyo: HTTP client, credentials on a request, quota, errors, filter grammar, JSON:API.

Ground floor: nothing here imports another room of this project.
"""
