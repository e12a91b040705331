"""Weight matrices of checkpoints: read one at a time without running code, measured, placed on the γ axis."""

from lowcomplex.checkpoints._files import names, weights
from lowcomplex.checkpoints._hub import HubPath
from lowcomplex.checkpoints._hub_errors import OfflineError
from lowcomplex.checkpoints._kept import Earlier, kept, kept_before, kept_revisions
from lowcomplex.checkpoints._located import hub_name, label_of, located
from lowcomplex.checkpoints._matrices import matrices
from lowcomplex.checkpoints._series import over_steps, revisions
from lowcomplex.checkpoints._tables import CheckpointTable, gamma_table, measure_table, side_by_side

__all__ = [
    "CheckpointTable",
    "Earlier",
    "HubPath",
    "OfflineError",
    "gamma_table",
    "hub_name",
    "kept",
    "kept_before",
    "kept_revisions",
    "label_of",
    "located",
    "matrices",
    "measure_table",
    "names",
    "over_steps",
    "revisions",
    "side_by_side",
    "weights",
]
