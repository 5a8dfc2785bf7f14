"""Measurement and comparison: from gait-lab files, or simulations, to the numbers a biomechanist knows."""
