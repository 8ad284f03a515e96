"""What an action is, as data: the model of a spec file, loading, checking and drafting from an OpenAPI document.

Ground floor: nothing here imports another room of this project, and nothing here does network I/O.
"""
