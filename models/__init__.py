"""The model as data: tables, devices, deficits, and the builder that turns them into an OpenSim model."""
