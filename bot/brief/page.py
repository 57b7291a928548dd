"""A brief as one HTML file that loads nothing from elsewhere."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from bot.brief import pictures
from bot.brief.document import Document
from bot.brief.words import Words

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def html(document: Document, words: Words) -> str:
    """The whole file; charts are drawings within it, their words are text."""
    parts = [(type(part).__name__, part) for part in document.parts]
    template = _TEMPLATES.get_template("brief.html")
    return template.render(document=document, parts=parts, svg=_drawing, shown=words.shown, say=words.say)


def _drawing(spec: str) -> Markup:
    return Markup(pictures.svg(spec))  # vl-convert escapes the words of a chart
