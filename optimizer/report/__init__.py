"""Pages and tables made of a finished plan."""
