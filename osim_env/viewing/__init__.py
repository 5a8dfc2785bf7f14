"""Walks to look at: replay pages, films, OpenSim files."""
