"""Google Cloud's billing rules. Not here: other providers', money, files."""
