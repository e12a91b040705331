"""Measures of samples of vectors: activations, hidden states, embeddings."""
