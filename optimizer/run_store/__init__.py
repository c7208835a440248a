"""Runs kept for later, in one file. Not here: what is recorded of a run (`optimizer.jobs.history`)."""
