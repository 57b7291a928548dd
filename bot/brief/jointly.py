"""The brief of several libraries together."""

from collections.abc import Iterator

from bot.brief import charts
from bot.brief.composing import definitions, lead, summed
from bot.brief.consortium import Consortium, Survey
from bot.brief.document import Document, Grid, Head, Heading, Part, Text
from bot.brief.words import Words
from bot.reports import Kind


def compose(found: Consortium, words: Words, made_at: str) -> Document:
    """Who took part, what was asked and answered, and what the survey says."""
    title = words.say("consortium_title", count=len(found.periods)) if found.periods else found.survey.title if found.survey else ""
    query = found.report.query
    subtitle = words.say("period", start=words.day(query.start), end=words.day(query.end)) if found.periods else ""
    return Document(title, subtitle, words.tag, tuple(_parts(found, words, made_at)))


def name(found: Consortium, words: Words) -> str:
    """What the libraries are called together."""
    return words.say("consortium", count=len(found.periods))


def survey(found: Survey, words: Words) -> Grid:
    """Services, the libraries that offer them, and their share of those asked."""
    heads = (Head(words.say("service")), Head(words.say("libraries"), Kind.COUNT), Head(words.say("share_of"), Kind.SHARE))
    rows = tuple((service, count, count / found.of) for service, count in found.services)
    return Grid("survey", words.say("survey"), heads, rows, len(rows))


def _parts(found: Consortium, words: Words, made_at: str) -> Iterator[Part]:
    if found.periods:
        yield from _libraries(found, words)
    if found.survey:
        yield from _survey(found.survey, words)
    if found.periods:
        yield from definitions(words)
    yield Text(words.say("joined", at=made_at), small=True)


def _libraries(found: Consortium, words: Words) -> Iterator[Part]:
    report = found.report
    query, libraries, channels, topics = report.query, *(report.table(each) for each in ("libraries", "channels", "topics"))
    yield Text(lead(report.total, channels, words, start=query.start, end=query.end, library=name(found, words)))
    if report.total.questions:
        yield Text(summed(report.total, words))
    if any((start, end) != (query.start, query.end) for _, start, end in found.periods):
        spans = ((words.label("library", each), words.day(start), words.day(end)) for each, start, end in found.periods)
        periods = words.list(words.say("library_period", library=each, start=start, end=end) for each, start, end in spans)
        yield Text(words.say("periods_differ", periods=periods))
    yield Heading(words.phrase("reports.libraries"))
    yield Text(words.say("times_apart"))
    if report.total.questions:
        yield charts.bars(libraries, words, len(libraries.rows))
    yield words.grid(libraries)
    for table in (channels, topics):
        if table.rows:
            yield Heading(words.phrase(f"reports.{table.name}"))
            yield charts.bars(table, words, charts.MOST)
            yield words.grid(table, charts.MOST)


def _survey(found: Survey, words: Words) -> Iterator[Part]:
    yield Heading(words.say("survey"))
    first, last = found.services[0], found.services[-1]
    yield Text(
        words.say(
            "survey_is", of=found.of, most=first[0], most_count=first[1], most_share=words.share(first[1] / found.of),
            least=last[0], least_count=last[1], least_share=words.share(last[1] / found.of),
        )
    )  # fmt: skip
    yield charts.survey(found.services, found.of, words)
    yield survey(found, words)
    yield Text(found.source, small=True)
