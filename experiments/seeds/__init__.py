"""Many seeds of one transformer at each γ, trained as one ensemble."""
