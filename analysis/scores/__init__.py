"""Scores of a walk: distance from normal gait, balance, variability, speed; each with its definition and source."""
