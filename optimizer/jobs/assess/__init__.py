"""What `plimsoll assess` makes of each kind of case."""
