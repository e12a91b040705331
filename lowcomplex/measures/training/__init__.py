"""Measures of training: its path, its tangent kernel, the curvature of its loss."""
