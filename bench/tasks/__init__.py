"""Marketers' tasks for agents that work with klaviyo-mcp, over the sandbox, each checked without trusting the agent.

    python -m bench.tasks --help

`README.md` says how to attach a model.
"""
