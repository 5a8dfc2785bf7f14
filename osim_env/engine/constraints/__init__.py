"""Coordinates that do not move by themselves: locked, prescribed, or coupled to another one."""
