"""What every measure owes: the scale of its input does not matter, NaN gives no number, and a null is right.

An example of each function is in the test file of its module, as an entry of `SCALED`. Weight measures need
none: what they take and return is known.
"""

from __future__ import annotations

import dataclasses
import inspect
import math
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

import samples
from examples import SCALED, skip_without_curvlinops
from lowcomplex import measures
from lowcomplex.measures import WeightMeasure, measure_weights, weight_measures

RECORDS = weight_measures()


def _numbers(result: object) -> Iterator[Tensor]:
    """All numbers that a measure returned, whatever it wraps them in."""
    if isinstance(result, Tensor):
        yield result.double()
    elif isinstance(result, int | float):
        yield torch.tensor(float(result), dtype=torch.float64)
    elif isinstance(result, dict):
        for value in result.values():
            yield from _numbers(value)
    elif dataclasses.is_dataclass(result):
        yield from _numbers({f.name: getattr(result, f.name) for f in dataclasses.fields(result)})


def test_every_function_has_an_example() -> None:
    functions = {
        name
        for name in measures.__all__
        if inspect.isfunction(getattr(measures, name))
        and len(getattr(measures, name).__module__.split(".")) == 4
    }
    assert set(SCALED) == functions


def test_the_list_has_one_line_per_measure() -> None:
    table = measures.list()
    assert set(table["name"]) == {*SCALED, *RECORDS}
    assert list(table["name"][table["tracked"] == "yes"]) == list(RECORDS)
    assert table["what"].str.endswith(".").all()


@pytest.mark.parametrize("name", sorted(SCALED))
@settings(max_examples=8, deadline=None)
@given(exponent=st.floats(-12, 12))
def test_scale_does_not_matter(name: str, exponent: float) -> None:
    skip_without_curvlinops(name)
    expected, found = SCALED[name](1.0), SCALED[name](10.0**exponent)
    for one, other in zip(_numbers(expected), _numbers(found), strict=True):
        torch.testing.assert_close(other, one, rtol=1e-6, atol=1e-8, equal_nan=True)


@pytest.mark.parametrize("name", sorted(SCALED))
def test_nan_gives_no_number(name: str) -> None:
    skip_without_curvlinops(name)
    try:
        result = SCALED[name](math.nan)
    except ValueError as error:
        said = str(error)
    else:
        said = "NaN" if all(bool(number.isnan().all()) for number in _numbers(result)) else "a number"
    # A bound of NaN is refused as such; all other messages name what was found.
    assert "NaN" in said or "below: expected a positive bound, got nan" in said


# What follows asks the same of every weight measure.
every = pytest.mark.parametrize("record", [pytest.param(record, id=name) for name, record in RECORDS.items()])


@every
def test_record_stands_beside_its_function(record: WeightMeasure) -> None:
    module = inspect.getmodule(record.function)
    assert record in vars(module).values()
    assert getattr(measures, record.function.__name__) is record.function
    assert inspect.getdoc(record.function)


def test_no_two_records_share_a_place() -> None:
    assert len({record.order for record in RECORDS.values()}) == len(RECORDS)


@every
@pytest.mark.parametrize("shape", [(60, 60), (30, 90), (100, 20)])
def test_null_is_the_distribution_on_random_matrices(record: WeightMeasure, shape: tuple[int, int]) -> None:
    draws = 400
    generator = torch.Generator().manual_seed(sum(shape))
    values = record.function(torch.randn(draws, *shape, generator=generator)).double()
    null = record.null(*shape)
    if null.standard_deviation == 0:
        # A bound of 99 %, or a value without exception: 10 of 400 draws have a probability below 1 %.
        assert int((values != null.value).sum()) < 10
        return
    # Four standard errors of the sample, and a third of the spread for what the leading order neglects.
    allowed = (4 / draws**0.5 + 1 / 3) * null.standard_deviation
    assert float(values.mean()) == pytest.approx(null.value, abs=allowed)
    for q in (0.05, 0.95):
        below = float((values < null.quantile(q)).double().mean())
        # Four standard errors, and a slightly skewed distribution taken as normal.
        assert abs(below - q) < 4 * (q * (1 - q) / draws) ** 0.5 + 0.02


@every
def test_null_of_the_fewest_neurons_is_finite_and_of_none_refused(record: WeightMeasure) -> None:
    for n in (1, 7):
        null = record.null(record.fewest, n)
        assert math.isfinite(null.value)
        assert null.standard_deviation >= 0
    with pytest.raises(ValueError, match="expected"):
        record.null(record.fewest - 1, 7)


@every
@pytest.mark.parametrize("shape", [(9, 5), (5, 9), (7, 7)])
def test_order_and_signs_do_not_matter(record: WeightMeasure, shape: tuple[int, int]) -> None:
    """Neurons and inputs have no order; and an input with its sign changed is the same input."""
    W = samples.random(10, *shape)
    W[1] = 3 * W[0]
    expected = record.function(W)
    rows, columns = (torch.randperm(n, generator=torch.Generator().manual_seed(n)) for n in shape)
    signs = torch.randn(shape[1], generator=torch.Generator().manual_seed(2)).sign()
    for changed in (W[rows], W[:, columns], W * signs, W[rows][:, columns] * signs):
        torch.testing.assert_close(record.function(changed), expected)


@every
def test_batch_equals_one_by_one(record: WeightMeasure) -> None:
    W = samples.random(11, 2, 3, 6, 4)
    W[0, 1] = 0
    found = record.function(W)
    assert found.shape == (2, 3)
    expected = torch.stack([torch.stack([record.function(one) for one in row]) for row in W])
    torch.testing.assert_close(found, expected, equal_nan=True)
    assert record.function(W[:, :0]).shape == (2, 0)


@every
@pytest.mark.parametrize("shape", [(6, 4), (120, 100), (100, 120)])
def test_single_precision_in_single_precision_out(record: WeightMeasure, shape: tuple[int, int]) -> None:
    W = samples.random(12, *shape).float()
    found, exact = record.function(W), record.function(W.double())
    if exact.is_floating_point():
        assert (found.dtype, exact.dtype) == (torch.float32, torch.float64)
    else:
        assert found.dtype == exact.dtype == torch.int64
    torch.testing.assert_close(found.double(), exact.double(), rtol=1e-5, atol=1e-7)


@every
def test_alone_and_together(record: WeightMeasure) -> None:
    W = samples.random(13, 4, 8, 5).float()
    torch.testing.assert_close(measure_weights(W)[record.name], record.function(W), rtol=0, atol=0)
    assert list(measure_weights(W, [record.name])) == [record.name]


@every
def test_zero_matrix_is_nan_or_zero(record: WeightMeasure) -> None:
    value = float(record.function(torch.zeros(4, 3)))
    assert value == 0 or math.isnan(value)


@every
@pytest.mark.parametrize(
    ("shape", "value"), [((3,), 1.0), ((3, 0), 1.0), ((0, 3), 1.0), ((2, 2), math.nan), ((2, 2), math.inf)]
)
def test_bad_values_are_refused(record: WeightMeasure, shape: tuple[int, ...], value: float) -> None:
    with pytest.raises(ValueError, match=r"^W: "):
        record.function(torch.full(shape, value))


@every
@pytest.mark.parametrize(
    "bad",
    [
        torch.ones(2, 2, dtype=torch.long),
        [[1.0]],
        torch.ones(2, 2, dtype=torch.complex64),
        torch.ones(2, 2).to(torch.float8_e4m3fn),
        torch.eye(2).to_sparse(),
        torch.ones(2, 2, device="meta"),
    ],
    ids=["integers", "list", "complex", "8 bits", "sparse", "meta"],
)
def test_bad_types_are_refused(record: WeightMeasure, bad: object) -> None:
    with pytest.raises(TypeError, match=r"^W: "):
        record.function(bad)


@every
def test_the_tracker_and_the_tables_have_it(record: WeightMeasure, tmp_path: Path) -> None:
    from lowcomplex import Tracker, checkpoints

    W = samples.random(14, 12, 8).float()
    layer = torch.nn.Linear(8, 12, bias=False)
    layer.weight.data = W
    tracker = Tracker(layer, (record.name,))
    tracker.record()
    expected = float(record.function(W))
    assert float(tracker.dataset()[record.name].squeeze()) == pytest.approx(expected)
    torch.save({"weight": W}, tmp_path / "model.pt")
    row = checkpoints.measure_table(tmp_path / "model.pt").table.iloc[0]
    assert float(row[record.name]) == pytest.approx(expected)
    if record.details is None:
        assert row[f"random_{record.name}"] == pytest.approx(record.null(12, 8).value)


def test_unknown_names() -> None:
    with pytest.raises(ValueError, match="did you mean 'stable_rank'"):
        measures.null_of("stabel_rank", 3, 3)
    with pytest.raises(ValueError, match="did you mean 'stable_rank'"):
        measure_weights(samples.W, ["stabel_rank"])
