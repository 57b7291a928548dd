"""The charts of a report as Vega-Lite specifications: the same one draws the picture in a file and the chart on the page.

Colours are those of Okabe and Ito, which stay apart for the colour-blind; stacks are also apart by white lines and by their order.
"""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bot.brief.document import Chart
from bot.brief.words import Words
from bot.errors import NotFound
from bot.late import Late
from bot.reports import Report, Result, Table

if TYPE_CHECKING:
    import altair as alt
else:
    alt = Late("altair")  # 25 MB

FONTS = "Noto Sans CJK SC, Source Han Sans SC, Microsoft YaHei, PingFang SC, WenQuanYi Zen Hei, sans-serif"
WIDTH = 620
_COLOURS = {"by_bot": "#0072B2", "by_librarian": "#E69F00", "waiting": "#D55E00", "closed_unanswered": "#999999"}
_DUTY = "#E69F00"
_RESULTS = tuple(result.value for result in Result)
_TALL = 240
_BAR = 24
_LONGEST = 210


NAMES = ("trend", "topics", "channels", "heat")
MOST = 10


def chart(name: str, report: Report, words: Words) -> Chart:
    """A chart by its name, one of NAMES; NotFound where there is no such chart, or nothing to draw."""
    if name not in NAMES or not report.total.questions:
        raise NotFound(f"chart {name}")
    match name:
        case "trend":
            return trend(report.table("trend"), words)
        case "heat":
            return heat(report.table("heat"), report.table("roster"), words)
        case _:
            return bars(report.table(name), words, MOST)


def trend(table: Table, words: Words) -> Chart:
    """Columns over time, stacked by what became of the questions."""
    short = "slice(datum.value, 5)" if table.labels in ("day", "hour", "week") else "datum.value"
    axis = alt.Axis(labelAngle=-45, labelOverlap="greedy", labelExpr=short, ticks=False)
    drawn = _stacked(_outcomes(table, words), words, table.labels).encode(
        x=alt.X("label:N", sort=None, title=None, axis=axis),
        y=alt.Y("count:Q", title=words.say("count"), axis=alt.Axis(tickMinStep=1, tickCount=5, format=",d")),
    )
    return _chart("trend", drawn.properties(height=_TALL), words)


def bars(table: Table, words: Words, most: int) -> Chart:
    """One bar a row, stacked by what became of the questions."""
    rows = _outcomes(table, words, most)
    drawn = _stacked(rows, words, table.labels).encode(
        y=alt.Y("label:N", sort=None, title=None, axis=alt.Axis(labelLimit=_LONGEST, ticks=False, domain=False)),
        x=alt.X("count:Q", title=words.say("count"), axis=alt.Axis(tickMinStep=1, tickCount=5, format=",d")),
    )
    return _chart(table.name, drawn.properties(height=_BAR * max(1, min(most, len(table.rows)))), words)


def heat(table: Table, roster: Table, words: Words) -> Chart:
    """Weekday by hour; hours on duty are framed."""
    rows = [
        {"weekday": words.label("weekday", row.label), "hour": column.name, "count": cell.value, "duty": (duty.value or 0) >= 0.5}
        for row, on in zip(table.rows, roster.rows, strict=True)
        for column, cell, duty in zip(table.columns, row.cells, on.cells, strict=True)
    ]
    base = alt.Chart(_data(rows)).encode(
        x=alt.X("hour:O", title=words.say("hour"), axis=alt.Axis(labelAngle=0, labelOverlap="greedy", ticks=False, domain=False)),
        y=alt.Y("weekday:N", sort=None, title=None, axis=alt.Axis(ticks=False, domain=False)),
        tooltip=[
            alt.Tooltip("weekday:N", title=words.phrase("reports.by_weekday")),
            alt.Tooltip("hour:O", title=words.say("hour")),
            _tip(words),
        ],
    )
    shaded = base.mark_rect(stroke="#ffffff", strokeWidth=2).encode(
        color=alt.Color("count:Q", title=words.say("count"), scale=alt.Scale(scheme="blues"), legend=alt.Legend(tickMinStep=1, format=",d"))
    )
    framed = base.transform_filter("datum.duty").mark_rect(fillOpacity=0, stroke=_DUTY, strokeWidth=1.5)
    return _chart("heat", alt.layer(shaded, framed).properties(height=7 * _BAR), words)


def survey(services: Sequence[tuple[str, int]], of: int, words: Words) -> Chart:
    """One bar a service: how many libraries offer it, with the share of those asked beside it."""
    rows = [{"service": service, "count": count, "share": words.share(count / of)} for service, count in services]
    base = alt.Chart(_data(rows)).encode(
        y=alt.Y("service:N", sort=None, title=None, axis=alt.Axis(labelLimit=_LONGEST, ticks=False, domain=False)),
        x=alt.X("count:Q", title=words.say("libraries"), axis=alt.Axis(tickMinStep=1, tickCount=5, format=",d")),
    )
    drawn = alt.layer(base.mark_bar(color=_COLOURS["by_bot"]), base.mark_text(align="left", dx=4).encode(text="share:N"))
    return _chart("survey", drawn.properties(height=_BAR * len(services)), words)


def _outcomes(table: Table, words: Words, most: int | None = None) -> list[dict[str, Any]]:
    place = {column.name: at for at, column in enumerate(table.columns)}
    return [
        {
            "label": words.label(table.labels, row.label),
            "result": words.phrase(f"reports.{name}"),
            "count": row.cells[place[name]].value,
            "order": order,
        }
        for row in table.rows[:most]
        for order, name in enumerate(_RESULTS)
    ]


def _stacked(rows: Sequence[Mapping[str, Any]], words: Words, labels: str) -> Any:
    names = [words.phrase(f"reports.{name}") for name in _RESULTS]
    scale = alt.Scale(domain=names, range=[_COLOURS[name] for name in _RESULTS])
    picked = alt.selection_point(fields=["result"], bind="legend", name="result")
    legend = alt.Legend(title=None, orient="top", labelLimit=_LONGEST, columnPadding=18, columns=2)
    return (
        alt.Chart(_data(rows))
        .mark_bar(stroke="#ffffff", strokeWidth=0.7)
        .encode(
            color=alt.Color("result:N", scale=scale, legend=legend),
            order=alt.Order("order:Q"),
            opacity=alt.when(picked).then(alt.value(1)).otherwise(alt.value(0.15)),
            tooltip=[
                alt.Tooltip("label:N", title=words.phrase(f"reports.by_{labels}")),
                alt.Tooltip("result:N", title=words.phrase("reports.by_result")),
                _tip(words),
            ],
        )
        .add_params(picked)
    )


def _tip(words: Words) -> Any:
    return alt.Tooltip("count:Q", title=words.say("count"), format=",d")


def _data(rows: Sequence[Mapping[str, Any]]) -> Any:
    return alt.Data(values=list(rows))  # type: ignore[no-untyped-call]


def _chart(name: str, drawn: Any, words: Words) -> Chart:
    title = words.say(f"chart_{name}")
    plain = {"font": FONTS, "background": "#ffffff", "view": {"stroke": None}, "axis": {"gridColor": "#e3e3e0", "labelFontSize": 12}}
    spec = drawn.properties(width=WIDTH).configure(**plain).configure_legend(labelFontSize=12)
    return Chart(name, title, words.say("chart_alt", title=title), json.dumps(spec.to_dict(), ensure_ascii=False))
