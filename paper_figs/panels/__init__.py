"""What the figures are drawn with: one module per kind of panel, drawing a study's dataset or its table."""
