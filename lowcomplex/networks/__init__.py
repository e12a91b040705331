"""Networks whose initialization rate is the question."""

from lowcomplex.networks.transformer import Transformer

__all__ = ["Transformer"]
