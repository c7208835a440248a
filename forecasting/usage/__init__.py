"""Billing exports of the providers, read into the usage frame; the only place of the package where DuckDB works."""
