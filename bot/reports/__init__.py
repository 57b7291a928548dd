"""Events -> figures. Pure; the definitions are those of the design, each written at its field.

outcomes   what became of one question: the definitions themselves
query      what a report is asked for; also the address of its page
columns    many questions at once, as columns of numbers
choosing   which questions a query means
figures    counting
tables     the tables of a report
report     report(columns, query, duty) -> Report: every figure and table, for pages, files and other programs
"""

from bot.reports.choosing import UNKNOWN, chosen
from bot.reports.columns import Columns, gather, tabulate
from bot.reports.figures import BY, Figures, figures, grouped
from bot.reports.outcomes import Asked, FormState, Result, asked, outcome, questions
from bot.reports.query import FIELDS, FILTERS, Compare, Query, Unit, Where, parse, period
from bot.reports.report import Report, report
from bot.reports.tables import MEASURES, MOST_ROWS, Cell, Column, Kind, Measure, Row, Table

__all__ = [
    "BY", "FIELDS", "FILTERS", "MEASURES", "MOST_ROWS", "UNKNOWN",
    "Asked", "Cell", "Column", "Columns", "Compare", "Figures", "FormState", "Kind", "Measure", "Query", "Report", "Result", "Row",
    "Table", "Unit", "Where",
    "asked", "chosen", "figures", "gather", "grouped", "outcome", "parse", "period", "questions", "report", "tabulate",
]  # fmt: skip
