"""Measurements, each beside plain SQL in the same run: `make bench`. Nothing here is timed in a test."""
