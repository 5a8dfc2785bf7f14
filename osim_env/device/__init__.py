"""The exoskeleton: torque, delay and rate limits, what it senses, one network for both legs."""
