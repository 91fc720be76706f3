"""Networks in ONNX Runtime, and how they get there."""
