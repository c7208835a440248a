"""The providers' own billing rules: the judge of every plan."""
