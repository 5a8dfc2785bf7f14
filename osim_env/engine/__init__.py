"""The compiled twin: OpenSim's equations at machine speed."""
