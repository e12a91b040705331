"""Which changes of a measure make its stored cells another's."""

import functools
import subprocess
import sys
from pathlib import Path

import pytest
import xarray as xr

import toy
from lowcomplex import sweeps
from lowcomplex.sweeps._origin import difference, origin

SOURCE = '''
def measure(config, scale=1.0):
    """Doubles the gamma."""
    # The factor of the theorem.
    return scale * 2 * config.gamma
'''


def _measure(folder: Path, source: str, name: str = "measure"):
    """A function of a source file, as a notebook's cell that was run again."""
    path = folder / f"cell{len(list(folder.iterdir()))}.py"
    path.write_text(source)
    names = {"__name__": "notebook"}
    exec(compile(source, str(path), "exec"), names)
    return names[name]


@pytest.mark.parametrize(
    ("old", "new", "is_same"),
    [
        ("Doubles the gamma.", "Twice γ.", True),
        ("    # The factor of the theorem.\n", "\n\n", True),
        ("scale * 2 * config.gamma", "(\n        scale * 2 * config.gamma\n    )", True),
        ("* 2 *", "* 3 *", False),
        ("scale=1.0", "scale=2.0", False),
        ("def measure", "def other", False),
    ],
)
def test_only_the_meaning_of_a_source_counts(tmp_path: Path, old: str, new: str, is_same: bool) -> None:
    assert old in SOURCE
    one = origin(_measure(tmp_path, SOURCE), toy.Toy)
    source = SOURCE.replace(old, new)
    other = origin(_measure(tmp_path, source, "other" if "other" in new else "measure"), toy.Toy)
    assert (difference(one, other) == "") == is_same


def test_values_that_come_with_a_measure_count() -> None:
    def scaled(scale: float):
        return lambda config: scale * config.gamma

    def of(measure) -> dict[str, str]:
        return origin(measure, toy.Toy)

    assert difference(of(scaled(1.0)), of(scaled(1.0))) == ""
    assert difference(of(scaled(1.0)), of(scaled(2.0)))
    assert difference(
        of(functools.partial(toy.measure, seconds=1)), of(functools.partial(toy.measure, seconds=2))
    )
    one, other = (lambda config: config.gamma), (lambda config: config.seed)
    assert difference(of(one), of(other))
    # A cell that was stored before cells had an origin.
    assert difference({}, of(one)) == ""


def test_another_measure_is_refused_with_both_names(tmp_path: Path) -> None:
    def sweep(measure, name: str = "toy", **options) -> sweeps.Sweep:
        return sweeps.Sweep(name, measure, toy.sweep().configs, ("gamma", "seed"), **options)

    def other(config: toy.Toy) -> xr.Dataset:
        return toy.measure(config)

    sweeps.run(sweep(toy.measure), tmp_path, workers=0, progress=False)
    for wrong in (sweep(other), sweep(other, "another name")):
        for call in (sweeps.run, sweeps.load):
            with pytest.raises(ValueError, match=r"by toy\.measure, .*\.other; raise the version"):
                call(wrong, tmp_path, **({"workers": 0} if call is sweeps.run else {}))
        (*_, last) = sweeps.status(wrong, tmp_path).cells
        assert (last.state, "toy.measure" in last.detail) == ("finished", True)
    same = sweep(other, same_meaning=True)
    assert sweeps.run(same, tmp_path, workers=0, progress=False).cached == 6
    xr.testing.assert_identical(sweeps.load(same, tmp_path), sweeps.load(sweep(toy.measure), tmp_path))
    assert same.hash == sweep(toy.measure).hash


def test_two_classes_of_one_name_and_fields_are_not_mixed(tmp_path: Path) -> None:
    class Toy(toy.Toy):
        pass

    def sweep(config_type: type[sweeps.Config]) -> sweeps.Sweep:
        return sweeps.Sweep("toy", toy.measure, sweeps.grid(config_type, gamma=(0.3, 0.8)), ("gamma",))

    assert sweep(Toy).hash == sweep(toy.Toy).hash
    sweeps.run(sweep(toy.Toy), tmp_path, workers=0, progress=False)
    with pytest.raises(ValueError, match=r"class toy\.Toy, and this sweep has .*locals>\.Toy"):
        sweeps.load(sweep(Toy), tmp_path)


def test_a_script_and_its_module_have_one_name(tmp_path: Path) -> None:
    values = {"gamma": (0.3, 0.8), "seed": (0, 1, 2), "seconds": 0.0}
    command = [sys.executable, toy.__file__, str(tmp_path), "0.0", "2", "measure"]
    subprocess.run(command, check=True)
    own = sweeps.Sweep("toy", toy.measure, sweeps.grid(toy.Toy, **values), ("gamma", "seed"))
    assert sweeps.run(own, tmp_path, workers=0, progress=False).cached == 6
