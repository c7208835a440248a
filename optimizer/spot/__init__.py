"""Spot capacity: when it is there, what it costs, and what a deadline on it costs. Not here: what runs on it."""
