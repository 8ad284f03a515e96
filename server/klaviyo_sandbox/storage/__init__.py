"""Where a sandbox keeps things: its state, named copies of it, the log of requests and the counts of rate limits."""
