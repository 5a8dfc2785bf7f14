"""The corruption study: kinds of damage to real walks, and whether the lab road notices."""
