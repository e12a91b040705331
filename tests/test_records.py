import numpy as np
import pytest
import xarray as xr

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
