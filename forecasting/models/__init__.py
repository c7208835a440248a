"""The families of forecasting models."""
