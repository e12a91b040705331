"""The registered hypotheses, what the runs say of them, and that as a table."""
