"""Policies, learners, training runs, roll-outs, environments."""
