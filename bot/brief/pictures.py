"""Charts as pictures, drawn in this process by vl-convert: no browser, no network."""

import gzip
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from bot.late import Late

if TYPE_CHECKING:
    import vl_convert
else:
    vl_convert = Late("vl_convert")

_SHARP = 2.0
PPI = 72
"""What the header of a PNG says of its dots: so many an inch."""
_GLYPH = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40"><text x="4" y="32" font-size="30" font-family="{}">{}</text></svg>'


def svg(spec: str) -> str:
    """A Vega-Lite specification as SVG; its words are text, in the reader's fonts."""
    return vl_convert.vegalite_to_svg(spec)


def png(spec: str) -> bytes:
    """The same as PNG, two dots a pixel."""
    return vl_convert.vegalite_to_png(spec, scale=_SHARP, ppi=PPI)


def height(drawn: bytes) -> int:
    """The dots of a PNG from top to bottom; its header says so (ISO/IEC 15948, IHDR)."""
    return int.from_bytes(drawn[20:24], "big")


def add_fonts(folder: Path) -> None:
    """Also use the fonts of a folder."""
    vl_convert.register_font_directory(str(folder))
    writes_chinese.cache_clear()


@cache
def writes_chinese() -> bool:
    """Whether a font is there for Chinese: without one, every character is drawn as the same box or as nothing."""
    first, second = (vl_convert.svg_to_png(_GLYPH.format("sans-serif", each)) for each in "问咨")
    return first != second


@cache
def vega() -> tuple[bytes, bytes]:
    """The script that draws charts in a browser, plain and packed by gzip: Vega, Vega-Lite and Vega-Embed as vl-convert brings them
    along, so that no other server is asked."""
    plain = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;").encode()
    return plain, gzip.compress(plain)
