"""What a biomechanist calls the results: cycles, curves, power, metabolic cost, symmetry, agreement."""
