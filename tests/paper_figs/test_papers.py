from __future__ import annotations

import json
import re
from pathlib import Path

import synthetic
from paper_figs import figure
from paper_figs._finding import Agreement, Finding
from paper_figs._papers import NOT_YET, OUT_OF_REACH, ROWS, entries, introduction, page, tally


def test_rows_are_there_before_their_figures(tmp_path: Path) -> None:
    listed = entries(tmp_path)
    assert {entry.row for entry in listed} == set(ROWS)
    assert {entry.word for entry in listed} == {NOT_YET, OUT_OF_REACH}
    assert all(entry.text for entry in listed)
    assert "<figure" not in page(tmp_path)


def test_a_drawn_figure_stands_beside_its_claim(tmp_path: Path) -> None:
    item = figure("p1_fig1_8_9_task")
    item.save(synthetic.dataset(item.study), tmp_path)
    entry = next(entry for entry in entries(tmp_path) if entry.name == item.name)
    assert (entry.word, entry.claim) == ("Agrees", item.claim)
    assert "composing adds -10 and mirroring -6" in entry.text
    text = page(tmp_path)
    assert text.count(f'id="figure-{item.name}"') == 1
    assert text.count("<img") == 1
    assert "1 × agrees" in text
    assert "<script" not in text


def test_a_finding_that_contradicts_is_shown_as_plainly(tmp_path: Path) -> None:
    item = figure("p1_fig1_8_9_task")
    item.save(synthetic.dataset(item.study), tmp_path)
    stamp = tmp_path / f"{item.name}.json"
    fallen = Finding(Agreement.DISAGREES, "they <fall>.").to_dict()
    stamp.write_text(json.dumps(json.loads(stamp.read_text()) | {"finding": fallen}))
    listed = entries(tmp_path)
    assert "1 × disagrees" in tally(listed)
    assert tally(listed) in introduction(listed)
    text = page(tmp_path)
    assert re.search(r'<span class="mark bad">.*✗</span> Disagrees:</span> they &lt;fall&gt;\.', text)
    assert f'href="#figure-{item.name}"' in text
    assert f'href="#claim-{item.name}"' in text


def test_a_damaged_stamp_is_a_figure_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "p1_fig2c_heads.json").write_text("{")
    entry = next(entry for entry in entries(tmp_path) if entry.name == "p1_fig2c_heads")
    assert entry.word == NOT_YET
