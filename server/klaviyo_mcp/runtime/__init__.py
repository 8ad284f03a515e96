"""The composition root: settings and flags become a running whole, and its answers never raise."""
