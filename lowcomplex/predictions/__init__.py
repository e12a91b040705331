"""Closed forms: one theorem a file, symbolic and in numpy. No torch here."""

from lowcomplex.predictions._adam_directions import (
    AdamDirections,
    adam_amplitude,
    adam_directions,
    adam_escape_steps,
)
from lowcomplex.predictions._adam_embedding_stage import (
    AdamEmbeddingStage,
    SignAttractors,
    adam_embedding_escape,
    adam_embedding_stage,
    sign_attractors,
)
from lowcomplex.predictions._attention_condensation import (
    AttentionCondensation,
    attention_condensation,
    query_key_change,
)
from lowcomplex.predictions._attention_tokens import condensation_vector, query_key_matrix
from lowcomplex.predictions._balancedness import balancedness
from lowcomplex.predictions._circle_ntk import circle_kernel, circle_ntk, direction_error
from lowcomplex.predictions._deep_linear_modes import (
    deep_linear_modes,
    discrete_recursion,
    null_start,
    random_start,
)
from lowcomplex.predictions._diagonal_linear import diagonal_linear, least_norm_correction, minimum_norm
from lowcomplex.predictions._drive import centered_one_hot, driving_matrix, token_drive
from lowcomplex.predictions._embedding_dynamics import (
    EmbeddingDynamics,
    TopSpace,
    collapse_exponent,
    early_cosines,
    embedding_dynamics,
    row_cosines,
    top_space,
)
from lowcomplex.predictions._escape_power_law import PowerLaw, escape_power_law, escape_tail
from lowcomplex.predictions._escape_time import escape_delay, escape_gamma_slope, escape_time
from lowcomplex.predictions._finite_width import GammaRegime, regime_at
from lowcomplex.predictions._gamma_axis import Family, critical_gamma, displacement_exponent, families
from lowcomplex.predictions._gamma_law import gamma_law, width_exponent
from lowcomplex.predictions._greedy_low_rank import GreedyLowRank, greedy_low_rank
from lowcomplex.predictions._lazy_limit import LazyLimit, lazy_limit
from lowcomplex.predictions._lazy_splines import lazy_splines
from lowcomplex.predictions._line_kernels import LineKernel, line_coefficients, line_interpolant, line_kernel
from lowcomplex.predictions._linear_frequency_principle import (
    FrequencyDecay,
    linear_frequency_principle,
    packet_decay,
)
from lowcomplex.predictions._linear_stage import LinearStage, driving_vector, linear_stage
from lowcomplex.predictions._mode_equations import layered_modes, unbalanced_mode
from lowcomplex.predictions._neuron_of_multiplicity_two import (
    QuadraticNeuron,
    quadratic_neuron,
    quadratic_tensor,
)
from lowcomplex.predictions._orthonormal_relu import (
    OrthonormalRelu,
    norm_excess,
    orthonormal_relu,
    partial_rates,
)
from lowcomplex.predictions._phase_diagram import (
    Coordinates,
    boundary_distance,
    luo_coordinates,
    phase_diagram,
)
from lowcomplex.predictions._prediction import Prediction, Regime
from lowcomplex.predictions._query_key_stage import (
    QueryKeyStage,
    ValuePlateau,
    escape_from_plateau,
    query_key_stage,
    query_rank_exponent,
    value_plateau,
)
from lowcomplex.predictions._random_cosines import pair_count_skewness, random_cosines
from lowcomplex.predictions._random_effective_rank import random_effective_rank
from lowcomplex.predictions._random_stable_rank import random_stable_rank
from lowcomplex.predictions._rank_collapse import RankCollapse, deep_escape, rank_collapse
from lowcomplex.predictions._relu_directions import (
    ReluDirections,
    feedback_shift,
    relu_directions,
    relu_drive,
)
from lowcomplex.predictions._residual_stream import ResidualStream, residual_drive, residual_stream
from lowcomplex.predictions._tensor_directions import (
    TensorDirections,
    slowest_turning,
    stationary_polynomial,
    tensor_directions,
    tensor_value,
)

__all__ = [
    "AdamDirections",
    "AdamEmbeddingStage",
    "AttentionCondensation",
    "Coordinates",
    "EmbeddingDynamics",
    "Family",
    "FrequencyDecay",
    "GammaRegime",
    "GreedyLowRank",
    "LazyLimit",
    "LineKernel",
    "LinearStage",
    "OrthonormalRelu",
    "PowerLaw",
    "Prediction",
    "QuadraticNeuron",
    "QueryKeyStage",
    "RankCollapse",
    "Regime",
    "ReluDirections",
    "ResidualStream",
    "SignAttractors",
    "TensorDirections",
    "TopSpace",
    "ValuePlateau",
    "adam_amplitude",
    "adam_directions",
    "adam_embedding_escape",
    "adam_embedding_stage",
    "adam_escape_steps",
    "attention_condensation",
    "balancedness",
    "boundary_distance",
    "centered_one_hot",
    "circle_kernel",
    "circle_ntk",
    "collapse_exponent",
    "condensation_vector",
    "critical_gamma",
    "deep_escape",
    "deep_linear_modes",
    "diagonal_linear",
    "direction_error",
    "discrete_recursion",
    "displacement_exponent",
    "driving_matrix",
    "driving_vector",
    "early_cosines",
    "embedding_dynamics",
    "escape_delay",
    "escape_from_plateau",
    "escape_gamma_slope",
    "escape_power_law",
    "escape_tail",
    "escape_time",
    "families",
    "feedback_shift",
    "gamma_law",
    "greedy_low_rank",
    "layered_modes",
    "lazy_limit",
    "lazy_splines",
    "least_norm_correction",
    "line_coefficients",
    "line_interpolant",
    "line_kernel",
    "linear_frequency_principle",
    "linear_stage",
    "luo_coordinates",
    "minimum_norm",
    "norm_excess",
    "null_start",
    "orthonormal_relu",
    "packet_decay",
    "pair_count_skewness",
    "partial_rates",
    "phase_diagram",
    "quadratic_neuron",
    "quadratic_tensor",
    "query_key_change",
    "query_key_matrix",
    "query_key_stage",
    "query_rank_exponent",
    "random_cosines",
    "random_effective_rank",
    "random_stable_rank",
    "random_start",
    "rank_collapse",
    "regime_at",
    "relu_directions",
    "relu_drive",
    "residual_drive",
    "residual_stream",
    "row_cosines",
    "sign_attractors",
    "slowest_turning",
    "stationary_polynomial",
    "tensor_directions",
    "tensor_value",
    "token_drive",
    "top_space",
    "unbalanced_mode",
    "value_plateau",
    "width_exponent",
]
