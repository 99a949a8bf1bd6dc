"""What commands make of answers and of words NAME=VALUE: said once, whole, and for a terminal."""

from __future__ import annotations

import json
from typing import Any

import click
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from mppcqa.cli import AREAS, COMMANDS, main
from mppcqa.cli.answers import Problem, Told, as_wanted, json_option, json_text
from mppcqa.cli.asking import Asked, cell, pairs, together
from mppcqa.cli.tables import CONTROL, clean, clean_line, echo


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""), (True, "yes"), (False, "no"), (0, "0"), (51.25, "51.25"), ("a", "a"),
        ([], ""), ([1, 2], "1, 2"), (["a", None], "a, "), ({"a": 1, "b": None}, "a 1"),
        ({"a": False, "b": True}, "b yes"), ([{"a": 1}, {"b": 2}], "a 1; b 2"),
        ("2026-11-28T10:20:30.5Z", "2026-11-28 10:20"),
        ("2026-11-28T10:20:30+00:00", "2026-11-28 10:20"),
        ("2026-11-28T10:20:30+02:00", "2026-11-28T10:20:30+02:00"),  # no UTC: as it is
        ("a\nb\x1b[31m", "a b\N{REPLACEMENT CHARACTER}[31m"),
        ({"x\x07": "y"}, "x\N{REPLACEMENT CHARACTER} y"),
    ],
)  # fmt: skip
def test_a_value_is_a_cell_that_a_person_reads(value: Any, text: str) -> None:
    assert cell(value) == text


ANSWERS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


@settings(max_examples=40)
@given(ANSWERS)
def test_nothing_of_an_answer_is_obeyed_by_a_terminal(answer: Any) -> None:
    said = cell(answer)
    assert "\n" not in said
    assert not CONTROL.search(said.replace("\t", ""))
    as_json = json_text(answer)
    assert not CONTROL.search(as_json.replace("\n", ""))
    assert json.loads(as_json) == answer, "JSON says what was answered, whatever was in it"


def test_texts_keep_their_lines_and_lines_do_not() -> None:
    assert clean("a\tb\nc\r\x00") == "a\tb\nc\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}"
    assert clean_line("a\tb\nc") == "a\tb c"
    assert clean("\u202egnp.exe") == "\N{REPLACEMENT CHARACTER}gnp.exe"
    assert clean("año Ω 温度") == "año Ω 温度"


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ((), {}), (("a=1",), {"a": "1"}), (("a=1", "b="), {"a": "1", "b": ""}),
        (("q=x=y",), {"q": "x=y"}),
    ],
)  # fmt: skip
def test_words_are_names_and_values(words: tuple[str, ...], found: dict[str, str]) -> None:
    assert pairs(None, None, words) == found  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("words", "told"),
    [(("a",), "'a' is not NAME=VALUE"), (("=1",), "'=1' is not NAME=VALUE"),
     (("a=1", "a=2"), "a is given twice"), (("a=1", "a=1"), "a is given twice")],
)  # fmt: skip
def test_words_that_are_none_or_come_twice_are_refused(words: tuple[str, ...], told: str) -> None:
    with pytest.raises(click.BadParameter, match=told):
        pairs(None, None, words)  # type: ignore[arg-type]


def test_what_options_and_words_both_say_is_refused() -> None:
    assert together({"a": "", "b": "2"}, {"c": "3"}) == {"b": "2", "c": "3"}
    assert together({"a": ""}, {"a": "1"}) == {"a": "1"}, (
        "an option that was not given says nothing"
    )
    with pytest.raises(click.UsageError, match="b is given twice: leave one of both out"):
        together({"a": "", "b": "2"}, {"b": "3"})


def told(as_json: bool, *rows: dict[str, Any], fields: tuple[str, ...] = ()) -> Any:
    @click.command()
    def command() -> None:
        Asked(None, as_json).tell_rows(rows, fields)  # type: ignore[arg-type]

    return CliRunner().invoke(command)


def test_a_list_has_the_columns_that_say_anything_and_those_asked_for() -> None:
    done = told(False, {"serial": "GX-1", "lot": None, "tray": ""}, {"serial": "GX-2", "lot": "L7"})
    assert [word for word in ("serial", "lot", "tray") if word in done.stdout] == ["serial", "lot"]
    assert done.stdout.index("GX-1") < done.stdout.index("GX-2")
    asked = told(False, {"serial": "GX-1", "tray": ""}, fields=("tray", "serial"))
    assert asked.stdout.index("tray") < asked.stdout.index("serial")
    long = told(False, {"note": "word " * 100})
    assert long.stdout.count("word") == 100, "nothing is cut off"


def test_an_empty_list_is_none_in_words_and_an_array_in_json() -> None:
    done = told(False)
    assert (done.stdout, done.stderr) == ("", "none\n")
    assert json.loads(told(True).stdout) == []
    assert json.loads(told(True, {"a": None}).stdout) == [{"a": None}]


@pytest.mark.parametrize("wanted", [True, False])
def test_a_refusal_comes_where_an_answer_would_be(wanted: bool) -> None:
    @click.command()
    @json_option()
    def command(as_json: bool) -> None:
        raise click.ClickException("no\x1b such thing")

    @click.group()
    def group() -> None:
        pass

    group.add_command(command, "it")
    context = click.Context(command)
    context.meta["mppcqa.json"] = wanted
    made = as_wanted(click.ClickException("no\x1b such thing"), context)
    if not wanted:
        assert made.message == "no\N{REPLACEMENT CHARACTER} such thing"
        return
    assert isinstance(made, Told)
    assert made.problem["title"] == "Refused"
    assert made.problem["detail"] == "no\N{REPLACEMENT CHARACTER} such thing"
    assert made.problem["type"] == "about:blank"


def test_a_problem_of_the_api_stays_what_it_is_and_wrong_words_stay_words() -> None:
    context = click.Context(click.Command("it"))
    context.meta["mppcqa.json"] = True
    made = as_wanted(Problem("gone", {"title": "Not found", "status": 404}), context)
    assert isinstance(made, Told)
    assert (made.problem["title"], made.problem["status"]) == ("Not found", 404)
    usage = click.UsageError("say --to")
    assert as_wanted(usage, context) is usage


def test_what_a_command_says_goes_where_it_is_meant() -> None:
    @click.command()
    def command() -> None:
        echo("one\ntwo")
        echo("one\ntwo", lines=True)
        echo("odd\x07", err=True)
        echo("open", nl=False)

    done = CliRunner().invoke(command)
    assert done.stdout == "one two\none\ntwo\nopen"
    assert done.stderr == "odd\N{REPLACEMENT CHARACTER}\n"


def test_each_command_stands_in_one_area_of_the_help_and_can_be_loaded() -> None:
    named = [name for names in AREAS.values() for name in names.split()]
    assert sorted(named) == sorted(COMMANDS)
    listed = CliRunner().invoke(main, ["--commands"]).stdout
    for name, (_place, what) in COMMANDS.items():
        assert name in listed
        assert what.split()[0] in listed
    assert main.get_command(click.Context(main), "no-such") is None
