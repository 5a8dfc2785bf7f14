"""Marker sets: which label is which landmark, and what a recording's labels mean."""
