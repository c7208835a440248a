"""One module for each command: options in, files and terminal out; what it does is a job's."""
