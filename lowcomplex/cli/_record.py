"""The command that draws a tracker's record."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from lowcomplex._endings import ending_in_words, say
from lowcomplex.cli._output import require_figure, require_outputs, write_figure, written

if TYPE_CHECKING:
    import xarray as xr


@ending_in_words
def plot(
    path: Path,
    *quantities: str,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    most_lines: int = 8,
) -> int:
    """Draw a record of training: each measure over the steps, beside that of random weights.

    Few layers are drawn as lines, with random weights dotted and a prediction dashed. More layers are drawn
    as a heat map of layer × step, relative to the prediction or else to random weights. A prediction is a
    variable of the file under the name predicted_QUANTITY.

    Parameters
    ----------
    path
        A netCDF file of a record, such as Tracker.dataset().to_netcdf("record.nc") writes.
    quantities
        Names of what is drawn; everything that is recorded over steps if none is named.
    output
        The figure, a file that ends in .pdf, .png or .svg; by default the record's name with .png.
    most_lines
        Largest number of layers that are drawn as lines.
    """
    try:
        file = path.with_suffix(".png") if output is None else output
        require_figure("output", file)
        require_outputs([path], output=file)
        from lowcomplex.plots import plot_record

        figure = plot_record(_read(path), quantities or None, most_lines=most_lines)
    except (OSError, ValueError) as error:
        say(error)
        return 2
    failures = written({"output": (file, lambda target: write_figure(target, figure))})
    for failure in failures:
        say(failure)
    if not failures:
        print(f"{file}: drawn from {path}")
    return 2 if failures else 0


def _read(path: Path) -> xr.Dataset:
    """The record in a file.

    Raises:
        ValueError: There is no such file, or it is no netCDF file that can be read.
    """
    import xarray as xr

    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    try:
        return xr.load_dataset(path, engine="h5netcdf")
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(
            f"{path}: expected a netCDF file of a record, which this is not ({error})"
        ) from error
