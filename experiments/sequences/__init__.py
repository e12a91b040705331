"""Transformers on tasks whose answers are sequences: small starts under strong decay, and the reverse."""
