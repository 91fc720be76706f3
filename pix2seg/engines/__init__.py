"""How a network runs: PyTorch and ONNX Runtime behind one small interface, arrays in and out.

Nothing here knows what a network is for; `pix2seg.generators` and the Mask R-CNN of
`pix2seg.preprocess.person` open theirs with `open_network`.
"""
