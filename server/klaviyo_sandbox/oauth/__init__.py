"""Klaviyo's OAuth: the consent page, tokens, and the grants behind them."""
