"""Providers' own price lists become the price contract. Nothing is imported here."""
