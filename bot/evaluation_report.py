"""What `refdesk evaluate` writes: the figures as text for a terminal, and a report with pictures as one HTML file."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import altair as alt
import vl_convert
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bot import evaluation
from bot.answering import Policy
from bot.evaluation import Case, Evaluated, Lesson, Point, Share

_TEMPLATES = Path(__file__).parent / "pages" / "templates"
_WIDTH = 560
_HEIGHT = 280
# Okabe and Ito's colours stay apart for the colour-blind.
_BLUE, _ORANGE, _GREEN = "#0072B2", "#D55E00", "#009E73"


def as_text(runs: Iterable[Evaluated]) -> str:
    """The headline figures, one line a run and language."""
    lines = [f"{'set':34}{'messages':>9}{'sent right':>12}{'answered':>10}{'outside':>9}{'in choices':>12}{'asked back':>12}"]
    for run in runs:
        cases = run.cases()
        for label, figures in ((run.name, evaluation.figures(cases)), *((f"  {k}", f) for k, f in evaluation.by_language(cases))):
            shares = (figures.sent_right, figures.in_scope_answered, figures.out_of_scope_answered, figures.choice_right, figures.clarified)
            widths = (12, 10, 9, 12, 12)
            lines.append(f"{label:34}{figures.cases:>9}" + "".join(f"{_percent(s):>{w}}" for s, w in zip(shares, widths, strict=True)))
        lines += [
            f"  out of scope, {kind:16}{share.total:>11}{'':22}{_percent(share):>9}" for kind, share in evaluation.figures(cases).by_kind
        ]
        if run.milliseconds:
            ranked = sorted(run.milliseconds)
            lines.append(
                f"  one prediction: median {ranked[len(ranked) // 2]:.2f} ms, 99th percentile {ranked[len(ranked) * 99 // 100]:.2f} ms"
            )
    return "\n".join(lines)


def lessons_as_text(lessons: Iterable[Lesson]) -> str:
    """The learning curve, one line a point."""
    lines = [f"{'learned from':34}{'examples':>9}{'sent right':>12}{'answered':>10}{'outside':>9}{'first guess':>13}"]
    for lesson in lessons:
        figures = lesson.figures
        shares = (figures.sent_right, figures.in_scope_answered, figures.out_of_scope_answered, figures.top_right)
        told = "".join(f"{_percent(s):>{w}}" for s, w in zip(shares, (12, 10, 9, 13), strict=True))
        lines.append(f"{f'{lesson.share:.0%} of each intent':34}{lesson.examples:>9}{told}")
    return "\n".join(lines)


def as_html(runs: Sequence[Evaluated], lessons: Sequence[Lesson], proposed: Policy | None, unready: Iterable[str]) -> str:
    """The whole report; pictures are SVG inside the page, nothing is fetched."""
    templates = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    parts = [_part(run) for run in runs]
    picture = _learning(lessons) if lessons else ""
    return templates.get_template("evaluation.html").render(
        parts=parts, lessons=lessons, learning=picture, proposed=proposed, unready=sorted(unready), percent=_percent, changes=_changes(runs)
    )


def _part(run: Evaluated) -> dict[str, Any]:
    cases = run.cases()
    points = evaluation.curve(run.rows, run.predictions, run.policy, run.kinds, steps=50)
    wrong = [case for case in cases if case.action == evaluation.ANSWER and not case.right]
    slow = sorted(zip(run.milliseconds, run.rows, strict=False), key=lambda pair: -pair[0])[:10]
    return {
        "run": run,
        "figures": evaluation.figures(cases),
        "languages": evaluation.by_language(cases),
        "intents": evaluation.by_intent(cases),
        "wrong": sorted(wrong, key=lambda case: -case.prediction.confidence)[:200],
        "slow": slow,
        "large": sorted(run.rows, key=lambda row: -len(row.text))[:5],
        "curve": _curve(points, run.policy),
        "calibration": _calibration(cases),
        "confusion": _confusion(cases),
    }


def _changes(runs: Sequence[Evaluated]) -> tuple[tuple[Case, Case], ...]:
    """Which answers differ between two runs over the same messages."""
    if len(runs) != 2 or runs[0].rows != runs[1].rows:
        return ()
    return evaluation.changes(runs[0].cases(), runs[1].cases())


def _curve(points: Sequence[Point], policy: Policy) -> str:
    rows = [{"answered": p.in_scope_answered.value, "right": p.sent_right.value, "from": p.answer_at} for p in points if p.sent_right.total]
    chosen = min(rows, key=lambda row: abs(row["from"] - policy.answer_at), default=None)
    base = alt.Chart(_data(rows)).encode(
        x=alt.X("answered:Q", title="in-scope questions answered rightly", axis=alt.Axis(format="%")),
        y=alt.Y("right:Q", title="sent answers that are right", axis=alt.Axis(format="%"), scale=alt.Scale(zero=False)),
    )
    layers = base.mark_line(color=_BLUE).encode(order="from:Q") + base.mark_circle(color=_BLUE, size=14)
    if chosen:
        mark = alt.Chart(_data([chosen])).encode(x="answered:Q", y="right:Q")
        layers += mark.mark_point(color=_ORANGE, size=160, strokeWidth=3)
    return _svg(layers)


def _calibration(cases: Sequence[Case]) -> str:
    rows = [{"said": said, "true": share.value, "messages": share.total} for said, share in evaluation.calibration(cases)]
    said = alt.X("said:Q", title="confidence", axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1]))
    true = alt.Y("true:Q", title="right", axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1]))
    dots = alt.Chart(_data(rows)).mark_circle(color=_GREEN).encode(x=said, y=true, size=alt.Size("messages:Q", legend=None))
    ideal = alt.Chart(_data([{"said": 0, "true": 0}, {"said": 1, "true": 1}])).mark_line(color="#888", strokeDash=[4, 4])
    return _svg(dots + ideal.encode(x=said, y=true))


def _confusion(cases: Sequence[Case]) -> str:
    rows = [{"meant": meant, "understood": said, "times": times} for meant, said, times in evaluation.confusions(cases, 40)]
    if not rows:
        return ""
    chart = alt.Chart(_data(rows)).encode(
        x=alt.X("understood:N", title="understood as", axis=alt.Axis(labelAngle=-60)), y=alt.Y("meant:N", title="meant")
    )
    shaded = chart.mark_rect().encode(color=alt.Color("times:Q", scale=alt.Scale(scheme="blues"), legend=None))
    return _svg(shaded + chart.mark_text(fontSize=9).encode(text="times:Q"), height=None)


def _learning(lessons: Sequence[Lesson]) -> str:
    """Each figure with its 95 % interval: where the last ones overlap, the curve is flat as far as so many messages can tell."""
    rows = [
        {"examples": lesson.examples, "share": share.value, "low": share.bounds[0], "high": share.bounds[1], "figure": name}
        for lesson in lessons
        for name, share in (
            ("first guess right", lesson.figures.top_right),
            ("answered rightly", lesson.figures.in_scope_answered),
            ("sent right", lesson.figures.sent_right),
        )
    ]
    chart = alt.Chart(_data(rows)).encode(
        x=alt.X("examples:Q", title="training examples", axis=alt.Axis(tickCount=6)),
        color=alt.Color(
            "figure:N",
            scale=alt.Scale(range=[_BLUE, _GREEN, _ORANGE]),
            legend=alt.Legend(title=None, orient="top", columnPadding=24, labelLimit=300),
        ),
    )
    scale = alt.Y("low:Q", title=None, axis=alt.Axis(format="%"), scale=alt.Scale(zero=False))
    return _svg(chart.mark_rule(opacity=0.4, strokeWidth=3).encode(y=scale, y2="high:Q") + chart.mark_line(point=True).encode(y="share:Q"))


def _data(rows: Sequence[Mapping[str, Any]]) -> Any:
    return alt.Data(values=list(rows))  # type: ignore[no-untyped-call]


def _svg(chart: Any, height: int | None = _HEIGHT) -> str:
    sized = chart.properties(width=_WIDTH, height=height) if height else chart.properties(width=_WIDTH)
    return vl_convert.vegalite_to_svg(sized.to_dict())


def _percent(share: Share) -> str:
    return f"{share.value:.1%}" if share.total else "–"
