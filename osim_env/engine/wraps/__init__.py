"""Muscle paths that wrap over surfaces."""
