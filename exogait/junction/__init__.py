"""Where the lab road and the simulation meet: persons, walks and their outcomes."""
