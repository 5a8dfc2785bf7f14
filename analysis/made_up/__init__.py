"""People and recordings that are made up, and say so: for tests, demonstrations and validation."""
