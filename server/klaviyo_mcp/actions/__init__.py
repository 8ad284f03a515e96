"""What a call goes through: registry, arguments, preconditions, safety, request, result, engine.

May import `spec` and `klaviyo`.
"""
