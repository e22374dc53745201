"""Jalon's tests: stories told with a clock in hand, against real databases, servers and a real browser."""
