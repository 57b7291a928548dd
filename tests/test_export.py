"""Figures as CSV, JSON and a table for the terminal."""

import csv
import io
import json

import pytest

from bot.export import COLUMNS, to_csv, to_json, to_table
from bot.reports import Figures

VPN = Figures("vpn_setup", 8, 4, 2, 1, 1, 4, 3, 1, 90.5, 120.0, 30.0, 60.0)
NOTHING = Figures("图书馆", 0, 0, 0, 0, 0, 0, 0, 0, None, None, None, None)


def labelled(label: str) -> Figures:
    """Figures of a group that somebody outside may have named."""
    return Figures(label, 1, 1, 0, 0, 0, 0, 0, 0, None, None, None, None)


def test_csv_has_a_line_a_group_with_unrounded_numbers() -> None:
    head, *lines = csv.reader(io.StringIO(to_csv([VPN, NOTHING])))
    assert tuple(head) == COLUMNS
    assert lines[0] == ["vpn_setup", "8", "4", "2", "1", "1", "4", "3", "1", "90.5", "120.0", "30.0", "60.0", *["0"] * 4]
    assert lines[1] == ["图书馆", *["0"] * 8, "", "", "", "", *["0"] * 4]


@pytest.mark.parametrize("label", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\r=1", '=HYPERLINK("http://e.example","x")'])
def test_a_formula_stays_text_in_a_spreadsheet(label: str) -> None:
    _, line = csv.reader(io.StringIO(to_csv([labelled(label)]), newline=""))
    assert line[0] == "'" + label


@pytest.mark.parametrize("label", ["-", "vpn_setup", "a=1", '知网,万方\n"法宝"'])
def test_a_harmless_label_stays_as_it_is(label: str) -> None:
    _, line = csv.reader(io.StringIO(to_csv([labelled(label)]), newline=""))
    assert line[0] == label


def test_json_has_an_object_a_group_with_the_automatic_share() -> None:
    first, second = json.loads(to_json([VPN, NOTHING]))
    assert (first["label"], first["automatic_share"], first["p90_on_duty"]) == ("vpn_setup", 0.5, 60.0)
    assert (second["label"], second["automatic_share"]) == ("图书馆", None)
    assert "图书馆" in to_json([NOTHING])


def test_the_table_stands_in_columns() -> None:
    head, first, second = to_table([VPN, NOTHING]).splitlines()
    assert head.split() == ["group", "questions", "bot", "people", "waiting", "closed", "auto", "median", "p90", "median", "on", "duty"]
    assert first.split() == ["vpn_setup", "8", "4", "2", "1", "1", "50.0%", "90", "s", "120", "s", "30", "s"]
    assert second.split() == ["图书馆", "0", "0", "0", "0", "0", "-", "-", "-", "-"]
    assert len(head) == len(first) == len(second)
