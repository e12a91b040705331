"""Tasks to train on: data made on the fly by vectorized code."""

from lowcomplex.tasks.addition import AdditionTask
from lowcomplex.tasks.anchor import AnchorBatch, AnchorTask
from lowcomplex.tasks.anchor_answers import AnchorAnswers, AnchorProbe, phase
from lowcomplex.tasks.anchor_functions import AnchorFunction
from lowcomplex.tasks.anchor_positions import PositionAnswers, PositionProbe, order_phase
from lowcomplex.tasks.curves import Curve
from lowcomplex.tasks.ontology import OntologyTask, ontology_text
from lowcomplex.tasks.scan import ScanTask, scan_commands, scan_text
from lowcomplex.tasks.sequences import SequenceBatch, answer_loss, exact_answers

__all__ = [
    "AdditionTask",
    "AnchorAnswers",
    "AnchorBatch",
    "AnchorFunction",
    "AnchorProbe",
    "AnchorTask",
    "Curve",
    "OntologyTask",
    "PositionAnswers",
    "PositionProbe",
    "ScanTask",
    "SequenceBatch",
    "answer_loss",
    "exact_answers",
    "ontology_text",
    "order_phase",
    "phase",
    "scan_commands",
    "scan_text",
]
