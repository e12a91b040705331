"""Pictures of the documentation: at twice a screen's resolution, and small, since they hold few colors."""

from __future__ import annotations

from io import BytesIO

from matplotlib.figure import Figure
from PIL import Image

DOTS = 220


def png(figure: Figure, dots: int = DOTS) -> bytes:
    """A figure as PNG with a palette of 256 colors, at so many dots per inch."""
    drawn, content = BytesIO(), BytesIO()
    figure.savefig(drawn, format="png", dpi=dots)
    with Image.open(drawn) as picture:
        few = picture.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    few.save(content, "png", optimize=True)
    return content.getvalue()
