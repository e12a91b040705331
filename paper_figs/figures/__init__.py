"""The figures: every module defines one, `FIGURE`, and is found by its name."""
