"""Observed demand and declared events become weighted joint scenarios; knows no price."""
