"""The rules of AWS: what a commitment fits, the order of application."""
