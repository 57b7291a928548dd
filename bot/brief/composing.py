"""A report -> the brief: first the sentence that managers are asked for, then what it stands on."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from bot.brief import charts
from bot.brief.charts import MOST
from bot.brief.document import Document, Grid, Head, Heading, Part, Text
from bot.brief.words import Words
from bot.reports import Figures, Kind, Report, Table

_COLUMNS = ("questions", "by_bot", "by_librarian", "waiting", "closed_unanswered", "automatic_share", "median_first_answer")
"""What fits on paper."""
_DEFINED = (
    "questions", "by_bot", "by_librarian", "waiting", "closed_unanswered", "automatic_share", "helpfulness", "median_first_answer",
    "median_on_duty",
)  # fmt: skip


def compose(report: Report, words: Words, made_at: str) -> Document:
    """The brief of a report. `made_at` is the moment at which it was counted, as people read it."""
    return Document(
        words.say("title", library=words.library),
        words.say("period", start=words.day(report.query.start), end=words.day(report.query.end)),
        words.tag,
        tuple(_parts(report, words, made_at)),
    )


def lead(total: Figures, channels: Table, words: Words, *, start: date, end: date, library: str) -> str:
    """How many consultations were answered, of them automatically per channel, and by people; what waits is not counted as answered."""
    said: dict[str, object] = {"start": words.day(start), "end": words.day(end), "library": library}
    if not total.questions:
        return words.say("empty", **said)
    if not total.by_bot + total.by_librarian:
        return words.say("none_answered", questions=total.questions, **said)
    by_bot = [(words.label("channel", row.label), row.cells[1].value) for row in channels.rows if row.cells[1].value]
    parts = [words.say("lead_bot", channel=channel, count=count) for channel, count in sorted(by_bot, key=lambda each: -(each[1] or 0))]
    if total.by_librarian:
        parts.append(words.say("lead_people", count=total.by_librarian))
    return words.say("lead", answered=total.by_bot + total.by_librarian, parts=words.list(parts), **said)


def summed(total: Figures, words: Words) -> str:
    """Questions and the four things that can have become of them."""
    return words.say(
        "sum", questions=total.questions, by_bot=total.by_bot, share=words.share(total.automatic_share),
        by_librarian=total.by_librarian, waiting=total.waiting, closed=total.closed_unanswered,
    )  # fmt: skip


def _parts(report: Report, words: Words, made_at: str) -> Iterator[Part]:
    total, query = report.total, report.query
    yield Text(lead(total, report.table("channels"), words, start=query.start, end=query.end, library=words.library))
    if query.where:
        yield Text(_scope(report, words))
    if total.questions:
        yield Text(summed(total, words))
        yield from _compared(report, words)
        yield from _asked(report, words)
        yield from _automatic(report, words)
        yield from _people(report, words)
        yield from _fast(report, words)
        yield from _missing(report, words)
    yield from _care(report, words)
    yield from definitions(words)
    yield Text(words.say("made", at=made_at), small=True)


def definitions(words: Words) -> Iterator[Part]:
    """What the figures mean."""
    yield Heading(words.say("definitions"))
    for name in _DEFINED:
        yield Text(words.say("definition", name=words.phrase(f"reports.{name}"), meaning=words.phrase(f"reports.{name}_is")), small=True)


def _scope(report: Report, words: Words) -> str:
    conditions = [
        words.say("condition", field=words.phrase(f"reports.by_{'librarian_name' if field == 'librarian' else field}"), value=value)
        for field, value in ((field, words.label(field, stored)) for field, stored in report.query.where)
    ]
    return words.say("scope", conditions=words.list(conditions))


def _compared(report: Report, words: Words) -> Iterator[Part]:
    before, earlier = report.before, report.earlier
    if before and earlier and before.questions:
        yield Text(
            words.say(
                "compared", start=words.day(earlier.start), end=words.day(earlier.end), questions=before.questions,
                by_bot=before.by_bot, share=words.share(before.automatic_share), by_librarian=before.by_librarian,
            )
        )  # fmt: skip


def _asked(report: Report, words: Words) -> Iterator[Part]:
    yield Heading(words.say("asked"))
    topics, rising, questions = report.table("topics"), report.table("rising"), report.total.questions
    first = topics.rows[0]
    count = int(first.cells[0].value or 0)
    yield Text(words.say("asked_is", topic=words.label("topic", first.label), count=count, share=words.share(count / questions)))
    if rising.rows and report.before and report.before.questions:
        now, before = (int(cell.value or 0) for cell in rising.rows[0].cells[:2])
        yield Text(words.say("rising_is", topic=words.label("topic", rising.rows[0].label), before=before, count=now))
    yield charts.chart("trend", report, words)
    yield charts.chart("topics", report, words)
    yield words.grid(topics, MOST, _COLUMNS)


def _automatic(report: Report, words: Words) -> Iterator[Part]:
    total, channels = report.total, report.table("channels")
    yield Heading(words.say("automatic"))
    share, verdicts = words.share(total.automatic_share), total.helpful + total.unhelpful
    if verdicts:
        helpfulness = words.share(total.helpfulness)
        yield Text(words.say("automatic_is", share=share, verdicts=verdicts, helpful=total.helpful, helpfulness=helpfulness))
    else:
        yield Text(words.say("automatic_unjudged", share=share))
    yield charts.chart("channels", report, words)
    yield words.grid(channels, MOST, _COLUMNS)


def _people(report: Report, words: Words) -> Iterator[Part]:
    total, forms = report.total, report.table("forms")
    yield Heading(words.say("people"))
    yield Text(words.say("people_is", handed_over=total.handed_over, logged=total.logged, by_librarian=total.by_librarian))
    if verdicts := total.satisfied + total.dissatisfied:
        yield Text(words.say("satisfied_is", verdicts=verdicts, satisfied=total.satisfied, satisfaction=words.share(total.satisfaction)))
    if (reasons := report.table("reasons")).rows:
        yield words.grid(reasons, MOST, _COLUMNS)
    if forms.rows:
        yield words.grid(forms, MOST)


def _fast(report: Report, words: Words) -> Iterator[Part]:
    total = report.total
    yield Heading(words.say("fast"))
    if total.median_first_answer is None:
        yield Text(words.say("fast_none"))
    else:
        times = {"median": words.lasting(total.median_first_answer), "p90": words.lasting(total.p90_first_answer)}
        yield Text(words.say("fast_is", waiting=total.waiting, **times))
    if total.median_on_duty is not None:
        yield Text(words.say("fast_on_duty", median=words.lasting(total.median_on_duty), p90=words.lasting(total.p90_on_duty)))
    yield charts.chart("heat", report, words)
    yield _hours(words.grid(report.table("heat")), words)


def _hours(heat: Grid, words: Words) -> Grid:
    """Hours down and weekdays across, as it fits on paper."""
    hours = tuple((head.text, *(row[at] for row in heat.rows)) for at, head in enumerate(heat.heads) if at)
    heads = (Head(words.say("hour")), *(Head(str(row[0]), Kind.COUNT) for row in heat.rows))
    return Grid(heat.name, words.say("hours"), heads, hours, len(hours))


def _missing(report: Report, words: Words) -> Iterator[Part]:
    total, table = report.total, report.table("unanswered")
    yield Heading(words.say("missing"))
    if not table.rows:
        yield Text(words.say("missing_none"))
        return
    yield Text(words.say("missing_is", waiting=total.waiting, unattended=total.unattended, closed=total.closed_unanswered))
    yield words.grid(table, MOST)


def _care(report: Report, words: Words) -> Iterator[Part]:
    doubtful, late = report.table("doubtful"), overdue(words, report.query.end)
    yield Heading(words.say("care"))
    if not doubtful.rows and not late.rows:
        yield Text(words.say("care_none"))
        return
    yield Text(words.say("care_is", doubtful=doubtful.total, overdue=late.total))
    if doubtful.rows:
        yield words.grid(doubtful, MOST)
    if late.rows:
        yield replace(late, rows=late.rows[:MOST])


def overdue(words: Words, today: date) -> Grid:
    """Entries whose review was due before a day, the longest overdue first."""
    entries = [entry for entry in words.knowledge.entries if entry.language is words.language and entry.review_by < today]
    rows = tuple((e.title, e.review_by.isoformat(), e.owner) for e in sorted(entries, key=lambda e: (e.review_by, e.id)))
    heads = (Head(words.phrase("reports.by_entry")), Head(words.say("review_by")), Head(words.say("owner")))
    return Grid("overdue", words.say("overdue"), heads, rows, len(rows))
