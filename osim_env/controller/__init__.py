"""From a policy to what a device's own computer runs: ONNX, a contract, a loop."""
