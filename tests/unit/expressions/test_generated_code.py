"""What is shared in generated code: paths, type checks, loops, and passes that group an array."""

from functions.expressions import compile_features


def code(*texts: str) -> str:
    return compile_features({f"f{number}": text for number, text in enumerate(texts)}).code


def test_a_path_that_several_expressions_begin_with_is_read_once() -> None:
    written = code("profile.orders.count", "profile.orders.revenue", "profile.orders.count")
    assert written.count(".get('profile')") == 1
    assert written.count(".get('orders')") == 1
    assert written.count(".get('count')") == 1
    assert written.count("type(orders") == 1


def test_a_path_that_is_read_in_expressions_that_can_fail_is_read_once_before_them() -> None:
    assert code("abs(ceil(profile.a.b))", "floor(ceil(profile.a.c))").count(".get('a')") == 1


def test_loops_over_one_array_are_one_loop() -> None:
    written = code(
        "length(items[?a])", "items[?b].c", "sum(items[*].d)", "items[?e > `1`].e", "length(items[?f < `2`])"
    )
    assert written.count("\n        for ") == 2  # what can fail is apart from what can't
    assert code("items[?a].b", "items[?c].d").count("for each") == 1


def test_loops_that_hold_what_a_caller_may_change_are_not_shared_by_two_features() -> None:
    assert code("items[?a].b", "items[?a].b").count("append(") == 2


def test_three_filters_for_text_share_one_pass_that_groups_the_array() -> None:
    texts = [f"sum(items[?kind == '{kind}'].price)" for kind in "abc"]
    assert code(*texts).count("grouped(") == 1
    assert "grouped(" not in code(*texts[:2])
    assert code(*texts, "length(items[?kind == 'd'])").count("grouped(") == 1


def test_a_column_is_collected_without_a_loop() -> None:
    assert "for " not in code("sum(items[*].price)").partition("def evaluate")[2]


def test_windows_over_one_array_read_its_times_once() -> None:
    texts = [f"count_within(items, 'at', '{days}d')" for days in (1, 7, 30)]
    assert code(*texts).count("instants_of(") == 1
    assert code(*texts).count("read_instant(") == 1
