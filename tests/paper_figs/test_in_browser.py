"""The pages in a headless Chromium: two widths, both color schemes, printed."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

import browser
from lowcomplex import checks
from lowcomplex.checks import Comparison, Control, Verdict
from paper_figs import figure, names
from paper_figs import reproduce as job
from paper_figs._svg import data_uri

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        browser.CHROMIUM is None, reason="expected Chromium, found none (Debian: apt-get install chromium)"
    ),
]
LARGEST = 4_000_000


def _verdicts(**_: object) -> list[Verdict]:
    """A verdict for every check, without its training."""
    comparisons = tuple(Comparison(f"quantity {k}", 1.0, 1.01, 0.1, "because") for k in range(4))
    control = Control("violated", (Comparison("slope", 1.0, 2.0, 0.1, "because"),))
    return [Verdict(name, "source", 0, comparisons, (control,), "holds", 0.1) for name in checks.names()]


def test_pages_are_readable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One test of both pages, since drawing every figure from the stored datasets takes minutes."""
    monkeypatch.setattr(job, "_is_computed", lambda *_: False)
    monkeypatch.setattr(checks, "run_all", _verdicts)
    results = tmp_path / "results"
    assert job.reproduce("quick", 0, results) == 0
    claimed = sum(figure(name).claim is not None for name in names())
    for name, images in (("report", len(names())), ("papers", claimed)):
        page = results / f"{name}.html"
        assert page.stat().st_size < LARGEST
        assert browser.console(page, tmp_path) == ()
        _assert_unfolded_in_print(page, tmp_path)
        for width, scheme in product((420, 1280), ("dark", "light")):
            seen = browser.look(page, tmp_path, width=width, scheme=scheme)
            where = f"{name}, {width} pixels, {scheme}"
            assert seen.console == (), where
            found = seen.measured
            for fault in ("leaving", "dead", "broken", "small", "cut", "faint", "requests"):
                assert found[fault] == [], f"{fault}: {where}"
            assert (found["pans"], found["pansOpen"], found["images"]) == (0, 0, images), where
            assert (found["ground"] < 0.1) == (scheme == "dark"), where
            for file in found["files"]:
                assert (results / file.partition("#")[0]).is_file(), file


def _assert_unfolded_in_print(page: Path, folder: Path) -> None:
    text = page.read_text(encoding="utf-8")
    folded = folder / "folded.html"
    folded.write_text(text.replace("  details::details-content", "  .none"), encoding="utf-8")
    assert folded.stat().st_size != page.stat().st_size
    assert browser.printed(page, folder) > 3 * browser.printed(folded, folder)


def test_faults_are_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    empty = '<svg xmlns="http://www.w3.org/2000/svg"/>'
    page.write_text(
        f"""<!doctype html><style>
        body {{ background: #fff; color: #000; }} p {{ color: #aaa; }}
        nav {{ width: 900px; text-align: right; }}
        </style><nav><a href="#nowhere">dead and away</a></nav><p>faint</p>
        <img alt="cut" src="data:image/png,x">
        <svg width="90" height="9"></svg><img alt="far" src="http://127.0.0.1:9/x.png">
        <img alt="small" width="300" style="width: 200px" src="{data_uri(empty)}">
        <script>console.error("planted")</script>"""
    )
    seen = browser.look(page, tmp_path, width=420, scheme="light")
    found = seen.measured
    assert "planted" in " ".join(seen.console)
    assert found["requests"] == ["http://127.0.0.1:9/x.png"]
    assert found["pans"] > 400
    assert found["dead"] == ["#nowhere"]
    assert found["broken"] == ["cut", "far"]
    assert found["small"] == ["small"]
    assert found["faint"] == ["P  faint"]
    assert [name.split()[0] for name in found["leaving"]] == ["A"]
    assert "NAV  dead and away" in found["cut"]
