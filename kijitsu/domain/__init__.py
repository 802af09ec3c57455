"""The calendar law, the schedule and the gates: values and functions on the standard library alone.

Nothing here reads a clock, a file, the environment or a database: `today`, `as_of` and `closures` are passed in.
"""
