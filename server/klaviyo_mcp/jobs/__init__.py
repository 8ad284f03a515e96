"""A file in, a report out: what is done to many rows, over hours if need be, and survives whatever happens meanwhile.

Nothing in here is imported before a job is used.
"""
