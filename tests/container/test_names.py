"""Names leave free text as whole tokens; regions that overlap give the names."""

from __future__ import annotations

import unicodedata

import pytest

from jpegredact.container.many_texts import closed_up, with_blanks
from jpegredact.container.names import blanked, contains_name, without_names


@pytest.mark.parametrize(
    ("text", "names", "left"),
    [
        ("Jane Doe at the lake", ["Jane Doe"], "at the lake"),
        ("with Jane Doe at the lake", ["Jane Doe"], "with at the lake"),
        ("JANE\tDOE", ["Jane Doe"], ""),
        ("Janet Doe, Jane Doermann", ["Jane Doe"], "Janet Doe, Jane Doermann"),
        ("Ann, Anna", ["Ann"], ", Anna"),
        ("Ann and Ann Lee", ["Ann", "Ann Lee"], "and"),
        ("J at home", ["J"], "J at home"),
        ("a.b (c)", [".*"], "a.b (c)"),
        ("two  spaces stay", ["Jane"], "two  spaces stay"),
        ("家族 田中太郎", ["田中太郎"], "家族"),
    ],
)
def test_a_name_leaves_as_a_token(text: str, names: list[str], left: str) -> None:
    assert without_names(text, names) == left
    assert contains_name(text, names) == (text != left)


def test_composed_and_decomposed_letters_are_the_same() -> None:
    for form in ("NFC", "NFD"):
        text = unicodedata.normalize(form, "Zoë Müller")
        for other in ("NFC", "NFD"):
            assert without_names(text, [unicodedata.normalize(other, "Zoë Müller")]) == ""


def test_blanks_keep_the_length() -> None:
    text = "Jane Doe at the lake"
    assert blanked(text, ["jane doe"]) == " " * 8 + " at the lake"


def test_many_texts_are_cleared_as_each_would_be() -> None:
    texts = ["Jane Doe", "", "lake", "at  two Jane Doe, lake", "Jane", "Doe", "Jane Doe"]
    found = with_blanks(texts, ["Jane Doe"])
    assert set(found) == {0, 3, 6}
    assert {n: closed_up(blank) for n, blank in found.items()} == {
        n: without_names(texts[n], ["Jane Doe"]) for n in found
    }
    assert all(len(blank) == len(texts[n]) for n, blank in found.items())


def test_no_name_reaches_from_one_text_to_the_next() -> None:
    assert with_blanks(["Jane", "Doe"], ["Jane Doe"]) == {}
    assert with_blanks([], ["Jane Doe"]) == {}
