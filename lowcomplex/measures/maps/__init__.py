"""Measures of what a network computes: of values on a grid, on samples, on bits or on tokens."""
