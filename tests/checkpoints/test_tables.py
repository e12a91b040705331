from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from lowcomplex import checkpoints, measures, nulls
from lowcomplex.checkpoints._pairs import renamed


def test_the_columns_are_the_measures(tmp_path: Path) -> None:
    W = torch.randn(40, 30, generator=torch.Generator().manual_seed(0))
    W[:20] = W[0] * torch.linspace(0.5, 2, 20)[:, None]
    save_file({"weight": W, "low": W.bfloat16()}, tmp_path / "model.safetensors")
    found = checkpoints.measure_table(tmp_path)
    assert "2 weight matrices, 0 other tensors" in repr(found)
    assert "random_stable_rank" in found._repr_html_()
    assert "numerical_rank" not in found._repr_html_()
    table = found.table.set_index("name")
    row = table.loc["weight"]
    for name in (
        "effective_rank",
        "stable_rank",
        "participation_ratio",
        "nuclear_rank",
        "spectral_entropy",
        "numerical_rank",
        "mean_cosine",
        "mean_squared_cosine",
        "effective_directions",
    ):
        assert row[name] == pytest.approx(float(getattr(measures, name)(W)))
        null = measures.null_of(name, 40, 30)
        assert row[f"random_{name}"] == pytest.approx(null.value)
        if null.standard_deviation > 0:
            assert row[f"random_{name}_high"] == pytest.approx(null.quantile(0.99))
    assert row["condensed_directions"] == 1
    assert row["condensed_share"] == pytest.approx(0.5)
    assert row["condensed_exact"]
    assert table.loc["low", "stable_rank"] == pytest.approx(row["stable_rank"], rel=0.01)


def test_shapes_at_the_edge(tmp_path: Path) -> None:
    state = {"zero": torch.zeros(3, 4), "row": torch.ones(1, 4), "column": torch.ones(4, 1)}
    save_file(state, tmp_path / "model.safetensors")
    table = checkpoints.measure_table(tmp_path).table.set_index("name")
    assert table.loc["zero", "gamma"] == float("inf")
    assert table.loc["zero", "effective_rank"] != table.loc["zero", "effective_rank"]
    assert table.loc["zero", "condensed_directions"] == 0
    assert table.loc["row", "effective_rank"] == pytest.approx(1)
    assert table.loc["column", "gamma"] != table.loc["column", "gamma"]


def test_two_tables_stand_side_by_side(tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(0)
    before = {name: torch.randn(20, 20, generator=generator) for name in ("a", "b", "gone")}
    after = {"a": torch.ones(20, 20), "b": before["b"], "new": torch.eye(20)}
    tables = []
    for name, state in {"before": before, "after": after}.items():
        save_file(state, tmp_path / f"{name}.safetensors")
        tables.append(checkpoints.measure_table(tmp_path / f"{name}.safetensors").table)
    both = checkpoints.side_by_side(*tables).set_index("name")
    assert list(both.index) == ["a", "b", "gone", "new"]
    # The order of the first file, then of the second, whatever the names are.
    turned = checkpoints.side_by_side(*(table[::-1] for table in tables))
    assert list(turned["name"]) == ["gone", "b", "a", "new"]
    assert both.loc["a", "effective_rank_after"] == pytest.approx(1)
    assert both.loc["b", "stable_rank_before"] == both.loc["b", "stable_rank_after"]
    assert both.loc["a", "random_stable_rank"] == pytest.approx(nulls.random_stable_rank(20, 20).value)
    assert both.loc["gone", "gamma_after"] != both.loc["gone", "gamma_after"]
    assert both.loc["new", "gamma_before"] != both.loc["new", "gamma_before"]


@pytest.mark.parametrize(
    ("plain", "wrapped"),
    [
        ("l.weight", "module.l.weight"),
        ("l.weight", "_orig_mod.l.weight"),
        ("l.weight", "_orig_mod.module.l.weight"),
        ("l.weight", "model.l.weight"),
        ("a.l.weight", "a._orig_mod.l.weight"),
        ("a.l.weight", "module._fsdp_wrapped_module.a._checkpoint_wrapped_module.l.weight"),
        ("l.weight", "base_model.model.l.weight"),
    ],
)
def test_prefixes_of_wrappers_pair(plain: str, wrapped: str, tmp_path: Path) -> None:
    tables = []
    for number, names in enumerate(
        ((plain, plain.replace("l.w", "h.w")), (wrapped, wrapped.replace("l.w", "h.w")))
    ):
        state = {name: torch.randn(4, 4) for name in names}
        save_file(state, tmp_path / f"{number}.safetensors")
        tables.append(checkpoints.gamma_table(tmp_path / f"{number}.safetensors").table)
    for before, after in (tables, tables[::-1]):
        both = checkpoints.side_by_side(before, after)
        pair = both.loc[both["name"] == before["name"].iloc[-1]]
        assert pair[["gamma_before", "gamma_after"]].notna().all(axis=None)
        assert set(before["name"]) <= set(both["name"])


def test_ambiguous_names_do_not_pair() -> None:
    before = ["layers.0.weight", "_orig_mod.twice", "twice"]
    assert renamed(before, ["encoder.layers.0.weight", "decoder.layers.0.weight"]) == {}
    assert renamed(before, ["module.twice"]) == {}
    assert renamed(["a", "b"], ["m.a", "m.b", "n.a"]) == {"m.a": "a", "m.b": "b"}
    # Names that pair as they are leave prefixes alone.
    assert renamed(["a", "b"], ["a", "m.b"]) == {}


def test_progress_names_every_tensor(tmp_path: Path) -> None:
    save_file({"a": torch.ones(3, 4), "b": torch.ones(3)}, tmp_path / "model.safetensors")
    done: list[str] = []
    checkpoints.measure_table(tmp_path, progress=done.append)
    assert sorted(done) == ["a", "b"]


_PROGRAM = """
import sys
from pathlib import Path
from lowcomplex import checkpoints

def peak():
    (line,) = [l for l in Path("/proc/self/status").read_text().splitlines() if l.startswith("VmHWM")]
    return int(line.split()[1]) * 1024

checkpoints.measure_table(sys.argv[1])
Path("/proc/self/clear_refs").write_text("5")  # the peak so far is forgotten
before = peak()
checkpoints.measure_table(sys.argv[2])
print(peak() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="peak memory is read from /proc")
@pytest.mark.parametrize("save", [save_file, torch.save])
def test_memory_stays_below_twice_the_largest_matrix(save, tmp_path: Path) -> None:
    torch.manual_seed(0)
    warm, large = (
        tmp_path / f"{n}{'.safetensors' if save is save_file else '.pt'}" for n in ("warm", "large")
    )
    # The small one first: imports and thread pools are no matrix's.
    save({"warm": torch.randn(5_000, 128)}, warm)
    save({f"{i}.weight": torch.randn(240_000, 128) for i in range(2)}, large)
    size = 240_000 * 128 * 4
    run = [sys.executable, "-c", _PROGRAM, warm, large]
    peak = int(subprocess.run(run, capture_output=True, text=True, check=True).stdout)
    assert size / 2 < peak < 2 * size
