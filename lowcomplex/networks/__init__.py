"""Small networks to initialize at a rate γ: two-layer, deep and diagonal linear, multilayer, transformers."""

from lowcomplex.networks.activations import activation, multiplicity
from lowcomplex.networks.deep_linear import DeepLinear
from lowcomplex.networks.diagonal_linear import DiagonalLinear
from lowcomplex.networks.mlp import MLP
from lowcomplex.networks.trace import BlockTrace, Trace, trace
from lowcomplex.networks.transformer import Transformer
from lowcomplex.networks.two_layer import TwoLayer

__all__ = [
    "MLP",
    "BlockTrace",
    "DeepLinear",
    "DiagonalLinear",
    "Trace",
    "Transformer",
    "TwoLayer",
    "activation",
    "multiplicity",
    "trace",
]
