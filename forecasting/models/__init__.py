"""Families of models for a log level that grows; statsmodels lives here and nowhere else."""
