"""Measurements quoted in docs/benchmarks.md; `make bench` prints them. Nothing here is a test."""
