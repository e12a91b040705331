"""Networks of two hidden layers that learn low frequencies first."""
