"""How complex is a solution? Pure functions of tensors, batched over leading dimensions."""

from lowcomplex.measures.boolean import (
    SampledEstimate,
    degree_weights,
    sampled_coefficients,
    sampled_total_influence,
    total_influence,
    walsh_spectrum,
)
from lowcomplex.measures.condensation import (
    CondensedDirections,
    condensed_direction_count,
    condensed_directions,
)
from lowcomplex.measures.condensation_in_time import FollowedDirections, followed_directions
from lowcomplex.measures.cosine_moments import effective_directions, mean_cosine, mean_squared_cosine
from lowcomplex.measures.cosine_similarity import cosine_similarity, display_order
from lowcomplex.measures.covariance import covariance_dimensions, covariance_spectrum
from lowcomplex.measures.fourier import (
    FourierSpectrum,
    bandwidth,
    fourier_spectrum,
    relative_error_by_frequency,
    shift_equivariant_share,
    spectral_centroid,
)
from lowcomplex.measures.kernel import kernel_alignment, kernel_drift, neural_tangent_kernel
from lowcomplex.measures.orientation import OrientationAmplitude, orientation_amplitude
from lowcomplex.measures.products import product_singular_values, scaled_product
from lowcomplex.measures.rank import (
    effective_rank,
    nuclear_rank,
    numerical_rank,
    participation_ratio,
    rank_measures,
    singular_values,
    spectral_entropy,
    stable_rank,
)
from lowcomplex.measures.trajectory import relative_displacement, trajectory_dimension, trajectory_spectrum

__all__ = [
    "CondensedDirections",
    "FollowedDirections",
    "FourierSpectrum",
    "OrientationAmplitude",
    "SampledEstimate",
    "bandwidth",
    "condensed_direction_count",
    "condensed_directions",
    "cosine_similarity",
    "covariance_dimensions",
    "covariance_spectrum",
    "degree_weights",
    "display_order",
    "effective_directions",
    "effective_rank",
    "followed_directions",
    "fourier_spectrum",
    "kernel_alignment",
    "kernel_drift",
    "mean_cosine",
    "mean_squared_cosine",
    "neural_tangent_kernel",
    "nuclear_rank",
    "numerical_rank",
    "orientation_amplitude",
    "participation_ratio",
    "product_singular_values",
    "rank_measures",
    "relative_displacement",
    "relative_error_by_frequency",
    "sampled_coefficients",
    "sampled_total_influence",
    "scaled_product",
    "shift_equivariant_share",
    "singular_values",
    "spectral_centroid",
    "spectral_entropy",
    "stable_rank",
    "total_influence",
    "trajectory_dimension",
    "trajectory_spectrum",
    "walsh_spectrum",
]
