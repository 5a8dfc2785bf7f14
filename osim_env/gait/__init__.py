"""The walking world: physics, reference, muscle command, senses, rewards, bodies."""
