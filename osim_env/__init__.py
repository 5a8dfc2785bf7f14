"""Simulation and learning: the compiled engine, the environment, rewards, training."""
