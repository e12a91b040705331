"""How complex is a solution? Pure functions of tensors, batched over leading dimensions."""

from lowcomplex.measures.boolean import degree_weights, sensitivity, total_influence, walsh_spectrum
from lowcomplex.measures.boolean_sampling import (
    SampledEstimate,
    sampled_coefficients,
    sampled_total_influence,
)
from lowcomplex.measures.circle import CircleHarmonics, circle_harmonics
from lowcomplex.measures.condensation import (
    CondensedDirections,
    condensed_direction_count,
    condensed_directions,
)
from lowcomplex.measures.condensation_in_time import FollowedDirections, followed_directions
from lowcomplex.measures.cosine_moments import (
    cosine_moments,
    effective_directions,
    mean_cosine,
    mean_squared_cosine,
)
from lowcomplex.measures.cosine_similarity import cosine_similarity, display_order
from lowcomplex.measures.covariance import covariance_dimensions, covariance_spectrum
from lowcomplex.measures.curvature import (
    HessianEigenvalues,
    SpectralDensity,
    hessian_density,
    hessian_eigenvalues,
    hessian_trace,
)
from lowcomplex.measures.fourier import (
    FourierSpectrum,
    FourierSpectrum2D,
    bandwidth,
    fourier_spectrum,
    fourier_spectrum_2d,
    relative_error_by_frequency,
    spectral_centroid,
)
from lowcomplex.measures.jacobian import JacobianNorms, jacobian_norms
from lowcomplex.measures.kernel import kernel_alignment, kernel_drift, kernel_spectrum, target_spectrum
from lowcomplex.measures.learning_time import learning_time
from lowcomplex.measures.line_spectra import LineSpectra, line_spectra
from lowcomplex.measures.low_high import LowHigh, LowHighError, low_high_error, low_high_parts
from lowcomplex.measures.orientation import OrientationAmplitude, orientation_amplitude
from lowcomplex.measures.products import product_singular_values, scaled_product
from lowcomplex.measures.projection import projected_spectrum
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
from lowcomplex.measures.regions import LinearPieces, linear_pieces
from lowcomplex.measures.representations import CosineGap, cosine_gap, ordinality
from lowcomplex.measures.scattered import scattered_spectrum
from lowcomplex.measures.spectrum_summaries import DecayExponent, bandwidth_of, centroid_of, decay_exponent
from lowcomplex.measures.tangent_kernel import neural_tangent_kernel
from lowcomplex.measures.token_maps import (
    CyclicSpectrum,
    cyclic_spectrum,
    expected_output,
    shift_equivariant_share,
)
from lowcomplex.measures.trajectory import relative_displacement, trajectory_dimension, trajectory_spectrum

__all__ = [
    "CircleHarmonics",
    "CondensedDirections",
    "CosineGap",
    "CyclicSpectrum",
    "DecayExponent",
    "FollowedDirections",
    "FourierSpectrum",
    "FourierSpectrum2D",
    "HessianEigenvalues",
    "JacobianNorms",
    "LineSpectra",
    "LinearPieces",
    "LowHigh",
    "LowHighError",
    "OrientationAmplitude",
    "SampledEstimate",
    "SpectralDensity",
    "bandwidth",
    "bandwidth_of",
    "centroid_of",
    "circle_harmonics",
    "condensed_direction_count",
    "condensed_directions",
    "cosine_gap",
    "cosine_moments",
    "cosine_similarity",
    "covariance_dimensions",
    "covariance_spectrum",
    "cyclic_spectrum",
    "decay_exponent",
    "degree_weights",
    "display_order",
    "effective_directions",
    "effective_rank",
    "expected_output",
    "followed_directions",
    "fourier_spectrum",
    "fourier_spectrum_2d",
    "hessian_density",
    "hessian_eigenvalues",
    "hessian_trace",
    "jacobian_norms",
    "kernel_alignment",
    "kernel_drift",
    "kernel_spectrum",
    "learning_time",
    "line_spectra",
    "linear_pieces",
    "low_high_error",
    "low_high_parts",
    "mean_cosine",
    "mean_squared_cosine",
    "neural_tangent_kernel",
    "nuclear_rank",
    "numerical_rank",
    "ordinality",
    "orientation_amplitude",
    "participation_ratio",
    "product_singular_values",
    "projected_spectrum",
    "rank_measures",
    "relative_displacement",
    "relative_error_by_frequency",
    "sampled_coefficients",
    "sampled_total_influence",
    "scaled_product",
    "scattered_spectrum",
    "sensitivity",
    "shift_equivariant_share",
    "singular_values",
    "spectral_centroid",
    "spectral_entropy",
    "stable_rank",
    "target_spectrum",
    "total_influence",
    "trajectory_dimension",
    "trajectory_spectrum",
    "walsh_spectrum",
]
