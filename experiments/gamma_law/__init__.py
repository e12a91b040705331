"""Networks that leave the lazy regime as γ crosses 1/2."""
