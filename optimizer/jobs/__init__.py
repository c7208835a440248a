"""What a user runs: the only code that knows both forecasts and prices."""
