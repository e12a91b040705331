"""Written by tests/helpers/stubs.py from the folders of lowcomplex/theorems."""

import builtins

from lowcomplex.predictions._list import list as list
from lowcomplex.theorems._prediction import Prediction as Prediction
from lowcomplex.theorems._prediction import Regime as Regime
from lowcomplex.theorems.formulas.gamma_axis import Family as Family
from lowcomplex.theorems.formulas.gamma_axis import critical_gamma as critical_gamma
from lowcomplex.theorems.formulas.gamma_axis import displacement_exponent as displacement_exponent
from lowcomplex.theorems.formulas.gamma_axis import families as families
from lowcomplex.theorems.formulas.regime_at import GammaRegime as GammaRegime
from lowcomplex.theorems.formulas.regime_at import regime_at as regime_at
from lowcomplex.theorems.adam_directions.formula import adam_directions as adam_directions
from lowcomplex.theorems.adam_embedding_stage.formula import adam_embedding_stage as adam_embedding_stage
from lowcomplex.theorems.attention_condensation.formula import attention_condensation as attention_condensation
from lowcomplex.theorems.balancedness.formula import balancedness as balancedness
from lowcomplex.theorems.circle_ntk.formula import circle_ntk as circle_ntk
from lowcomplex.theorems.deep_linear_modes.formula import deep_linear_modes as deep_linear_modes
from lowcomplex.theorems.diagonal_linear.formula import diagonal_linear as diagonal_linear
from lowcomplex.theorems.embedding_dynamics.formula import embedding_dynamics as embedding_dynamics
from lowcomplex.theorems.escape_power_law.formula import escape_power_law as escape_power_law
from lowcomplex.theorems.escape_time.formula import escape_time as escape_time
from lowcomplex.theorems.gamma_law.formula import gamma_law as gamma_law
from lowcomplex.theorems.greedy_low_rank.formula import greedy_low_rank as greedy_low_rank
from lowcomplex.theorems.lazy_limit.formula import lazy_limit as lazy_limit
from lowcomplex.theorems.lazy_splines.formula import lazy_splines as lazy_splines
from lowcomplex.theorems.linear_frequency_principle.formula import linear_frequency_principle as linear_frequency_principle
from lowcomplex.theorems.linear_stage.formula import linear_stage as linear_stage
from lowcomplex.theorems.orthonormal_relu.formula import orthonormal_relu as orthonormal_relu
from lowcomplex.theorems.phase_diagram.formula import phase_diagram as phase_diagram
from lowcomplex.theorems.query_key_stage.formula import query_key_stage as query_key_stage
from lowcomplex.theorems.random_cosines.formula import random_cosines as random_cosines
from lowcomplex.theorems.random_effective_rank.formula import random_effective_rank as random_effective_rank
from lowcomplex.theorems.random_stable_rank.formula import random_stable_rank as random_stable_rank
from lowcomplex.theorems.rank_collapse.formula import rank_collapse as rank_collapse
from lowcomplex.theorems.relu_directions.formula import relu_directions as relu_directions
from lowcomplex.theorems.residual_stream.formula import residual_stream as residual_stream
from lowcomplex.theorems.tensor_directions.formula import tensor_directions as tensor_directions

def __dir__() -> builtins.list[str]: ...
