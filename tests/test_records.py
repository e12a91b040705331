import numpy as np
import pytest
import xarray as xr

from lowcomplex._growing import GrowingRecords
from lowcomplex._records import decode, encode


def test_every_kind_of_record_survives_to_the_last_bit() -> None:
    record = xr.Dataset(
        {
            "single": ("x", np.array([0.1, np.nan, -0.0], dtype=np.float32)),
            "complex": ("x", np.array([1j, 2, np.inf])),
            "whole": np.int16(-3),
            "flag": (("y", "x"), [[True, False, True]]),
            "when": ("x", np.array(["2020-01-01", "NaT", "2021-01-01"], dtype="datetime64[ns]")),
            "lasted": ("x", np.array([1, 2, 3], dtype="timedelta64[ns]")),
            "text": ("y", np.array(["rich"]), {"long_name": "phase"}),
            "empty": ("none", np.empty(0)),
            "turned": (("x", "y"), np.arange(3.0).reshape(1, 3).T),
        },
        coords={"x": ["a", "bb", "γ"], "step": 7, "z": ("x", [3, 2, 1])},
        attrs={"count": np.int32(2), "array": np.array([0.5, 1.5])},
    )
    back = decode(encode(record))
    xr.testing.assert_identical(back, record)
    for name, variable in record.variables.items():
        assert back.variables[name].dtype == variable.dtype
        assert back.variables[name].values.tobytes() == variable.values.tobytes()
    assert set(back.coords) == set(record.coords)
    assert type(back.attrs["count"]) is np.int32
    # Times that were written in days must not make later ones whole days.
    later = back.assign(when=("x", np.array(["2020-01-01T00:00:00.000000001"] * 3, dtype="datetime64[ns]")))
    xr.testing.assert_identical(decode(encode(later)), later)


def test_what_netcdf_cannot_hold_is_named() -> None:
    with pytest.raises(ValueError, match="a record holds what netCDF cannot"):
        encode(xr.Dataset({"odd": ("x", np.array([{}, []], dtype=object))}))
    with pytest.raises(ValueError, match=r"a record holds what netCDF cannot: .*made"):
        encode(xr.Dataset({"loss": ((), 1.0, {"made": {1}})}))


def test_a_record_that_grows_holds_what_one_written_at_once_does() -> None:
    """Step after step, also when steps are recorded again, and variables appear or change their type."""
    rng = np.random.default_rng(0)
    growing = GrowingRecords()
    steps, layers = np.arange(66), ["a", "γ"]

    def require_same(records: xr.Dataset) -> None:
        found, about = growing.read(growing.written(records, f"about {records.sizes}"))
        xr.testing.assert_identical(found, records)
        for name, variable in records.items():  # text has a fixed width, that of the longest
            assert found[name].dtype == variable.dtype or name == "phase"
        assert about == f"about {records.sizes}"

    whole = xr.Dataset(
        {
            "rank": (("step", "layer"), rng.standard_normal((66, 2))),
            "count": (("group", "step"), rng.integers(9, size=(3, 66))),
            "single": ("step", rng.standard_normal(66).astype(np.float32)),
            "null_rank": ("layer", [0.5, np.nan]),
        },
        coords={"step": steps, "layer": layers, "group": [3, 1, 2]},
        attrs={"torch": "2"},
    )
    for last in (*range(1, 8), 7, 8, 3, 4, 63, 64, 65, 66):
        require_same(whole.isel(step=slice(last)))
    require_same((whole + 1).isel(step=slice(10)))
    require_same(whole.isel(step=slice(11)))  # one more, after other values
    late = whole.assign(loss=whole["single"].where(whole["step"] > 12))
    for more in (
        late,
        late.assign_coords(layer=["b", "γ"]),
        late.assign(rank=late["rank"].astype(np.float32)),
    ):
        require_same(more.isel(step=slice(12)))
        require_same(more.isel(step=slice(13)))
    text = whole.assign(phase=("step", [f"phase {10**step}" for step in steps.tolist()]))
    empty = text.assign(none=(("step", "nothing"), np.empty((66, 0))))
    for last in (9, 10, 11):
        require_same(text.isel(step=slice(last)))
    require_same(empty.isel(step=slice(12)))
    require_same(empty.isel(step=slice(13)).drop_vars("phase"))
    require_same(empty.isel(step=slice(14)).drop_vars("phase"))
