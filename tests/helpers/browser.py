"""What a headless Chromium sees of a page: its measurements, its console, its print."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))),
    None,
)
# One page at a time, without what a browser does for itself. The sandbox needs rights that a container lacks.
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
)
_POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
_MEASURE = Path(__file__).with_name("measure.js")


@dataclass(frozen=True)
class Seen:
    """What was seen of a page.

    Attributes:
        measured: What measure.js returns.
        console: Errors and warnings, one a line.
    """

    measured: dict[str, Any]
    console: tuple[str, ...]


def look(page: Path, folder: Path, *, width: int, scheme: Literal["dark", "light"]) -> Seen:
    """Measure a page in a window of that width.

    The script is in a copy beside the page, whose relative links lead where the page's links lead. The copy
    is shown in a frame, since a window is never narrower than 500 pixels.

    Args:
        page: The page.
        folder: Folder for the browser's profile.
        width: In CSS pixels.
        scheme: What the reader's system prefers.
    """
    text, count = _POLICY.subn("", page.read_text(encoding="utf-8"))
    assert count <= 1
    copy, frame = page.with_name(f".measured_{page.name}"), page.with_name(f".frame_{page.name}")
    copy.write_text(f"{text}<script>{_MEASURE.read_text(encoding='utf-8')}</script>", encoding="utf-8")
    frame.write_text(
        f'<!doctype html><iframe width={width} height=900 src="{copy.name}"></iframe><pre></pre>'
        "<script>onmessage = said => {document.querySelector('pre').textContent = said.data}</script>",
        encoding="utf-8",
    )
    try:
        dumped = _run(
            folder,
            "--virtual-time-budget=60000",
            f"--blink-settings=preferredColorScheme={('dark', 'light').index(scheme)}",
            f"--window-size={max(width, 500) + 50},1000",
            "--dump-dom",
            frame.as_uri(),
        )
    finally:
        copy.unlink()
        frame.unlink()
    said = re.search(r"<pre>(.*)</pre>", dumped.stdout, re.S)
    assert said is not None, dumped.stderr
    assert said[1], dumped.stderr
    return Seen(json.loads(html.unescape(said[1])), _console(dumped.stderr))


def console(page: Path, folder: Path) -> tuple[str, ...]:
    """What the browser complains of when it shows the page as it is."""
    return _console(_run(folder, "--virtual-time-budget=60000", "--dump-dom", page.as_uri()).stderr)


def printed(page: Path, folder: Path) -> int:
    """Number of the page's sheets when it is printed to PDF."""
    target = folder / "printed.pdf"
    _run(folder, "--no-pdf-header-footer", f"--print-to-pdf={target}", page.as_uri())
    return len(re.findall(rb"/Type\s*/Page\b", target.read_bytes()))


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    assert CHROMIUM is not None
    command = (CHROMIUM, *_FLAGS, f"--user-data-dir={folder / 'profile'}", *arguments)
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)


def _console(said: str) -> tuple[str, ...]:
    return tuple(line.partition("] ")[2] for line in said.splitlines() if "CONSOLE" in line)
