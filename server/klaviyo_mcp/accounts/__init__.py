"""Whose Klaviyo: an account and how we reach it. May import `klaviyo`."""
