"""The commands, grouped by what they do: read, act, run."""
