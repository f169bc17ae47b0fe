"""Problems as text and JSON, and the error that carries them."""

from __future__ import annotations

from functions.spec.problems import Problem, SpecError, closest


def problem(**changes: object) -> Problem:
    values: dict[str, object] = {
        "file": "a.yaml",
        "line": 3,
        "column": 5,
        "code": "yaml.tab",
        "message": "m",
        **changes,
    }
    return Problem(**values)  # type: ignore[arg-type]


def test_problem_renders_place_line_caret_and_hint() -> None:
    assert problem(source="ab: cdef", length=4, hint="do this").render() == (
        "a.yaml:3:5: error[yaml.tab] m\n    3 | ab: cdef\n            ^^^^\n      = do this"
    )


def test_problem_without_a_place_renders_the_file_alone() -> None:
    assert problem(line=0, column=0, severity="warning").render() == "a.yaml: warning[yaml.tab] m"


def test_long_line_is_cut_to_a_window_around_the_caret() -> None:
    source = "x" * 500 + "HERE" + "y" * 500
    rendered = problem(column=501, length=4, source=source).render().split("\n")
    assert len(rendered[1]) == len("    3 | ") + 120
    caret = rendered[2].index("^")
    assert rendered[1][caret : caret + 4] == "HERE"


def test_caret_does_not_run_past_its_line() -> None:
    assert problem(source="ab: cd", length=99).render().endswith("\n            ^^")


def test_problem_as_document_has_every_field_an_editor_needs() -> None:
    assert problem(hint="h", source="text", length=3).as_document() == {
        "file": "a.yaml",
        "line": 3,
        "column": 5,
        "severity": "error",
        "code": "yaml.tab",
        "message": "m",
        "hint": "h",
    }


def test_error_counts_errors_only_and_shows_the_first_of_the_sorted() -> None:
    error = SpecError([problem(line=9), problem(line=2), problem(line=1, severity="warning")])
    assert [p.line for p in error.problems] == [1, 2, 9]
    assert error.message.startswith("2 problems in the specs, the first one:\n")
    assert SpecError([problem()]).message.startswith("1 problem in the specs")
    assert SpecError([]).message.startswith("0 problems")


def test_closest_suggests_one_name_or_lists_a_few() -> None:
    assert closest("ownr", ["owner", "name"]) == "did you mean 'owner'?"
    assert closest("zzz", ["b", "a", "a"]) == "known here: a, b"
    assert closest("zzz", [f"name{n}" for n in range(13)]) == ""
    assert closest("zzz", []) == ""
