"""Two-layer networks whose neurons condense onto predicted orientations."""
