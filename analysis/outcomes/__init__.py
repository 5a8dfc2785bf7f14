"""What a walk is worth: outcomes by stride, paired changes, clinical signs, device torque."""
