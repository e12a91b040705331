from __future__ import annotations

import html
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jinja2
import pytest

import synthetic
import synthetic_hypotheses
from experiments._findings import Setting
from experiments.hypotheses import table
from lowcomplex.checks import Comparison, Control, Verdict
from paper_figs import _pages, figure
from paper_figs._finding import Agreement, Claim, Finding
from paper_figs._pages import Picture
from paper_figs._papers import ROWS, Entry
from paper_figs._report import Found, report_page
from paper_figs._svg import minified

ATTACK = "<script>alert('&')</script>"
SVG = b'<svg width="504pt" height="208.8pt" xmlns="http://www.w3.org/2000/svg">%s</svg>'


class _Page(HTMLParser):
    """Collects what a browser would see: tags, ids, references, text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.references: list[str] = []
        self.handlers: list[str] = []
        self.folded: set[str] = set()
        self.text = ""
        self.closed = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attributes:
            if name == "id":
                self.ids.append(value or "")
                if self.tags.count("details") > self.closed:
                    self.folded.add(value or "")
            if name.rpartition(":")[2] in ("href", "src", "data", "action"):
                self.references.append(value or "")
            self.references += [f"#{found}" for found in re.findall(r"url\(#([^)]+)\)", value or "")]
            if name.startswith("on"):
                self.handlers.append(name)

    def handle_endtag(self, tag: str) -> None:
        self.closed += tag == "details"

    def handle_data(self, data: str) -> None:
        self.text += data


def _verdict(name: str = "linear_stage", measured: float = 1.01, **changes: Any) -> dict[str, Any]:
    verdict = Verdict(
        name=name,
        source="Zhou et al. 2022",
        seed=0,
        comparisons=(
            Comparison("slope", 1.0, measured, 0.02, "finite σ"),
            Comparison("count", 2.0, 2.0, 0.5, "whole numbers"),
        ),
        controls=(Control("large σ", (Comparison("slope", 1.0, 3.0, 0.02, "finite σ"),)),),
        expected="holds",
        seconds=0.5,
    )
    return {**verdict.to_dict(), "statement": f"what {name} says", **changes}


def _picture(name: str, svg: bytes = SVG % b"", study: str = "") -> Picture:
    files = {kind: f"figures/{name}.{kind.lower()}" for kind in ("CSV", "PDF", "SVG")}
    return Picture(name, f"caption of {name}", svg, b"\x89PNG" + bytes(1000), study, files)


def _render(**changes: Any) -> str:
    arguments: dict[str, Any] = {
        "title": "A report",
        "verdicts": [_verdict()],
        "figures": [_picture("one")],
        "findings": [Found("fall", "Does it fall?", ("It fell.",))],
        "provenance": {"Versions": {"torch": "2.13"}},
    }
    return report_page(**{**arguments, **changes})


def test_every_verdict_and_figure_stands_once() -> None:
    names = ("linear_stage", "gamma_law", "balancedness")
    page = _Page(_render(verdicts=[_verdict(n) for n in names], figures=[_picture(n) for n in ("a", "b")]))
    for name in names:
        assert page.text.count(f"what {name} says") == 1
    for name in ("a", "b"):
        assert page.ids.count(f"figure-{name}") == 1
        assert page.text.count(f"caption of {name}") == 1
    assert "3 of 3 predictions" in page.text
    assert "It fell." in page.text
    assert "2.13" in page.text


def test_a_verdict_shows_what_was_predicted_measured_and_rejected() -> None:
    text = _Page(_render()).text
    for shown in ("slope", "1.01", "± 0.02", "finite σ", "Zhou et al. 2022", "holds", "rejected", "large σ"):
        assert shown in text


def test_hypotheses_stand_with_their_tests() -> None:
    judged = table.report(synthetic_hypotheses.judgments())
    page = _Page(_render(hypotheses=judged))
    for hypothesis in judged:
        assert page.text.count(hypothesis["title"]) == 1
        assert hypothesis["sentence"] in page.text
        for test in hypothesis["tests"]:
            assert test["label"] in page.text
    for shown in ("−0.91", "46 of 48", "2 not converged", "no dataset of anchor_three", "none beyond 0.40"):
        assert shown in page.text
    assert not re.search(r"\bnan\b", page.text)
    assert page.references.count("#hypotheses") == 1
    assert "hypotheses" not in _Page(_render()).ids
    attacked = [judged[0] | {"title": ATTACK, "name": ATTACK, "sentence": ATTACK}]
    assert "script" not in _Page(_render(hypotheses=attacked)).tags


def test_an_unexpected_verdict_is_told() -> None:
    text = _Page(_render(verdicts=[_verdict(), _verdict("gamma_law", measured=1.5)])).text
    assert "1 of 2 predictions" in text
    assert "expected: holds" in text


def test_problems_come_first() -> None:
    page = _render(problems=["gamma_axis: 1 run failed"], main="one")
    assert page.index("gamma_axis: 1 run failed") < page.index("The main result")
    assert 'role="alert"' not in _render()


def test_all_text_is_escaped() -> None:
    page = _render(
        title=ATTACK,
        verdicts=[_verdict(ATTACK, source=ATTACK, quantity=ATTACK, reason=ATTACK)],
        figures=[Picture("one", ATTACK, SVG % b"", bytes(1000), ATTACK, {ATTACK: ATTACK})],
        findings=[Found(ATTACK, ATTACK, (ATTACK, Setting({ATTACK: ATTACK}, {ATTACK: ATTACK}, ATTACK)))],
        provenance={ATTACK: {ATTACK: ATTACK}},
        problems=[ATTACK],
    )
    assert "script" not in _Page(page).tags
    assert html.escape(ATTACK, quote=False)[:14] in page


def test_a_drawn_figure_is_on_the_page_as_it_was_saved(tmp_path: Path) -> None:
    pictures = []
    for name in ("anchor_accuracies", "p1_fig5ab_query_cosines"):
        item = figure(name)
        item.save(synthetic.dataset(item.study), tmp_path / "figures")
        pictures.append(_pages.picture(name, "", tmp_path / "figures", item.study))
    # A file that is not there is not linked.
    (tmp_path / "figures" / "anchor_accuracies.pdf").unlink()
    pictures[0] = _pages.picture("anchor_accuracies", "", tmp_path / "figures", "anchor_gamma")
    text = _render(figures=pictures)
    page = _Page(text)
    assert page.tags.count("img") == 2
    assert len(page.ids) == len(set(page.ids))
    images = [reference for reference in page.references if reference.startswith("data:image/svg+xml,")]
    shown = [unquote(reference.partition(",")[2]).replace("'", '"') for reference in images]
    assert shown == [minified(picture.svg) for picture in pictures]
    assert len(text) < sum(len(picture.svg) for picture in pictures)
    for reference in page.references:
        is_there = reference.startswith("data:") or (tmp_path / reference).is_file()
        assert is_there or reference[1:] in page.ids, reference
    assert sum(reference.startswith("figures/") for reference in page.references) == 7
    assert text.count("<style") == 1


def test_an_svg_that_acts_is_an_image_alone() -> None:
    svg = SVG.replace(b"<svg", b'<svg onload="x()"') % b'<script>x()</script><g id="findings"/>'
    page = _Page(_render(figures=[_picture("one", svg)]))
    assert not page.handlers
    assert not {"script", "svg"} & set(page.tags)
    assert page.ids.count("findings") == 1


def test_the_smaller_of_two_pictures_is_embedded() -> None:
    light, heavy = SVG % b"", SVG % (b"<desc>%s</desc>" % (b"x" * 2000))
    sources = [
        r for r in _Page(_render(figures=[_picture("one", light)])).references if r[:10] == "data:image"
    ]
    assert sources[0].startswith("data:image/svg+xml,")
    sources = [
        r for r in _Page(_render(figures=[_picture("one", heavy)])).references if r[:10] == "data:image"
    ]
    assert sources[0].startswith("data:image/png;base64,")


def test_the_main_result_comes_first_then_verdicts_then_the_rest_folded() -> None:
    text = _render(
        figures=[
            _picture("task"),
            _picture("early", study="fall"),
            _picture("main", study="rise"),
            _picture("effects", study=table.NAME),
        ],
        findings=[
            Found("fall", "Does it fall?", ("It fell.",)),
            Found("rise", "Does it rise?", ("It rose.",)),
        ],
        hypotheses=table.report(synthetic_hypotheses.judgments()),
        main="main",
    )
    shown = (
        "figure-main",
        "It rose.",
        'id="hypotheses"',
        "figure-effects",
        "what linear_stage says",
        "It fell.",
        "figure-early",
    )
    places = [text.index(word if " " in word or "=" in word else f'id="{word}"') for word in shown]
    assert places == sorted(places)
    page = _Page(text)
    assert len(page.ids) == len(set(page.ids))
    assert {"figure-early", "figure-task", "figure-effects"} <= page.folded
    assert not {"figure-main", "study-rise", "hypotheses", "predictions"} & page.folded
    # From a finding to its figure and back, and to the figure's files.
    for link in ("#figure-main", "#study-rise", "#figure-early", "#study-fall", "figures/early.pdf"):
        assert link in page.references
    assert {link[1:] for link in page.references if link[0] == "#"} <= set(page.ids)


def test_settings_of_a_grid_are_rows_of_a_table() -> None:
    settings = (
        Setting(
            {"γ": "0.4"}, {"compose": "0.04", "not converged": "6"}, "γ 0.4: 0.04 compose; 6 not converged."
        ),
        Setting({"γ": "0.5"}, {"compose": "0.22", "mirror": "0.54"}, "γ 0.5: 0.22 compose, 0.54 mirror."),
    )
    text = _render(verdicts=[], findings=[Found("fall", "Does it fall?", ("Before.", *settings, "After."))])
    rows = re.findall(r"<tr>(.*?)</tr>", text[text.index("Before.") : text.index("After.")], re.S)
    cells = [re.findall(r"<t[hd]>(.*?)</t[hd]>", row) for row in rows]
    assert cells == [
        ["γ", "compose", "not converged", "mirror"],
        ["0.4", "0.04", "6", ""],
        ["0.5", "0.22", "", "0.54"],
    ]
    assert "γ 0.4: 0.04 compose" not in text


def test_a_verdict_has_a_sign_beside_its_color() -> None:
    rising = Claim("It rises.", ROWS[0].paper)
    claims = [
        Entry(ROWS[0], "one", rising, Finding(Agreement.DISAGREES, "It falls.")),
        Entry(ROWS[1], missing="no figure yet"),
        Entry(ROWS[2], "two", rising, Finding(Agreement.IN_PART, "It rises at first.")),
    ]
    text = _render(hypotheses=table.report(synthetic_hypotheses.judgments()), claims=claims)
    marks = set(re.findall(r'class="mark (\w+)"><span [^>]*>(.)</span> ([^<]*)<', text))
    for mark in (("good", "✓", "holds"), ("good", "✓", "supported"), ("open", "?", "undecided")):
        assert mark in marks
    for mark in (("bad", "✗", "Disagrees"), ("part", "◐", "In part"), ("none", "–", "Not there yet")):
        assert mark in marks
    assert 'href="papers.html#figure-one"' in text
    assert ("bad", "✗", "refuted") in set(
        re.findall(
            r'class="mark (\w+)"><span [^>]*>(.)</span> ([^<]*)<',
            _render(verdicts=[_verdict(measured=1.5)]),
        )
    )


def test_equal_arguments_give_an_equal_page() -> None:
    assert _render() == _render()


def test_two_figures_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="one figure a name"):
        _render(figures=[_picture("one"), _picture("one")])


def test_a_verdict_that_lacks_a_key_is_refused() -> None:
    verdict = _verdict()
    del verdict["tolerance"]
    with pytest.raises(jinja2.UndefinedError):
        _render(verdicts=[verdict])
