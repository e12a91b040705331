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
            "objects": ("y", np.array(["rich"], dtype=object), {"long_name": "phase"}),
            "empty": ("none", np.empty(0)),
            "turned": (("x", "y"), np.arange(3.0).reshape(1, 3).T),
        },
        coords={"x": ["a", "bb", "γ"], "step": 7, "z": ("x", [3, 2, 1])},
        attrs={"count": np.int32(2), "list": [1, 2], "array": np.array([0.5, 1.5]), "none": None, "ok": True},
    )
    back = decode(encode(record))
    xr.testing.assert_identical(back, record)
    for name, variable in record.variables.items():
        assert back.variables[name].dtype == variable.dtype
        if variable.dtype.kind != "O":
            assert back.variables[name].values.tobytes() == variable.values.tobytes()
    assert set(back.coords) == set(record.coords)
    assert type(back.attrs["count"]) is np.int32
    back["single"][0] = 1.0


def test_what_is_neither_number_nor_text_is_named() -> None:
    with pytest.raises(ValueError, match="odd: expected numbers, times or text, got an array of object"):
        encode(xr.Dataset({"odd": ("x", np.array([{}, []], dtype=object))}))
    with pytest.raises(ValueError, match="attribute made of loss: cannot keep a set"):
        encode(xr.Dataset({"loss": ((), 1.0, {"made": {1}})}))
