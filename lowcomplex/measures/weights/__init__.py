"""Measures of weight matrices, (..., out, in); a neuron is a row."""
