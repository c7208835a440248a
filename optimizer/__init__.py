"""Scenarios and prices become a certified purchase plan."""
