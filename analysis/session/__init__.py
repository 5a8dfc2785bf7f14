"""A laboratory's day: persons, conditions, many walks of each; what they have in common and how they differ."""
