"""Folders that commands write into: only what is ours is replaced, by one process at a time. Walks as labelled data."""

from .folder import OutputFolder, is_ours, output_file, output_folder, owner_of, remove_ours
from .place import OutputError, cannot_write, place_beside

__all__ = [
    "OutputError",
    "OutputFolder",
    "cannot_write",
    "is_ours",
    "output_file",
    "output_folder",
    "owner_of",
    "place_beside",
    "remove_ours",
]
