"""Names leave free text as whole tokens; regions that overlap give the names."""

from __future__ import annotations

import time
import unicodedata

import pytest

from jpegredact.container.many_texts import closed_up, with_blanks
from jpegredact.container.names import blanked, blanked_bytes, contains_name, without_names


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


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Müller, Anna", "Anna Müller"),
        ("Anna Müller", "Müller, Anna"),
        ("Anna_Müller", "Anna Müller"),
        ("Anna%20M%C3%BCller", "Anna Müller"),
        ("Anna%20Mu%CC%88ller", "Anna Müller"),
        ("An\u00adna Mül\u200bler", "Anna Müller"),
        ("O\u2019Brien", "O'Brien"),
        ("O'Brien", "O\u2019Brien"),
        ("STRASSER", "Straßer"),
        ("Straßer", "STRASSER"),
        ("\uff21\uff2e\uff2e\uff21", "Anna"),
    ],
)
def test_a_name_is_found_in_its_other_forms(text: str, name: str) -> None:
    around = f"({text}) \U0001f600"
    assert blanked(around, [name]) == f"({' ' * len(text)}) \U0001f600"


@pytest.mark.parametrize(
    ("text", "name", "left"),
    [
        ("我和田中太郎在一起", "田中太郎", "我和在一起"),
        ("田中 太郎さん", "田中太郎", "さん"),
        ("田中太郎さん", "田中 太郎", "さん"),
        ("김철수는", "김철수", "는"),
        ("กับสมชายไป", "สมชาย", "กับไป"),
        ("Annaさん", "Anna", "さん"),
    ],
)
def test_scripts_without_spaces_have_no_word_ends(text: str, name: str, left: str) -> None:
    assert without_names(text, [name]) == left


def test_a_single_word_that_begins_with_a_capital_does_so_in_the_text() -> None:
    assert blanked("a rose of Rose, ROSE", ["Rose"]) == "a rose of     ,     "
    assert blanked("Rose, rose", ["rose"]) == "    ,     "
    assert blanked("rose müller", ["Rose Müller"]) == " " * 11


@pytest.mark.parametrize(
    ("name", "codecs"),
    [
        ("Anna Lee", ["utf-8", "utf-16-le", "utf-16-be", "cp1252"]),
        ("Jürgen Müller", ["utf-8", "cp1252", "mac_roman", "cp850", "utf-16-le", "utf-16-be"]),
        ("Łukasz Świątek", ["cp1250", "iso8859_2", "mac_latin2", "cp852"]),
        ("Иван Петров", ["cp1251", "koi8_r", "cp866", "mac_cyrillic", "euc_jp", "gb18030"]),
        ("Αλέξης", ["cp1253", "mac_greek"]),
        ("田中太郎", ["cp932", "euc_jp", "gb18030", "big5", "iso2022_jp", "utf-16-be"]),
        ("김철수", ["euc_kr", "cp949", "johab"]),
        ("สมชาย", ["cp874"]),
    ],
)
def test_names_leave_bytes_of_any_encoding(name: str, codecs: list[str]) -> None:
    for codec in codecs:
        for form in (name, name.upper()):
            tail = b"" if codec == "iso2022_jp" else b"\xff\xfe"
            raw = f"xx {form} yy".encode(codec) + tail
            new = blanked_bytes(raw, [name])
            assert len(new) == len(raw)
            assert new == (f"xx {' ' * len(form)} yy".encode(codec) + tail) or (
                not new.replace(b"\x1b$B", b"").replace(b"\x1b(B", b"")[2:-4].strip(b" yx")
            )


def test_a_sharp_s_and_small_letters_in_8_bit_text() -> None:
    raw = "mit Eva Strasse".encode("cp1252") + b"\xff"
    assert blanked_bytes(raw, ["Eva Straße"]) == b"mit            \xff"
    assert blanked_bytes("mit Eva Straße".encode("cp1252"), ["Eva STRASSE"]) == b"mit           "
    assert blanked_bytes("änne ÄNNE".encode("cp1252"), ["Änne"]) == "änne     ".encode("cp1252")


def test_bytes_without_a_name_stay() -> None:
    for raw in (b"", b"\0\0", b"Annabel \xff Leeds", "Jürgens".encode("cp1252")):
        assert blanked_bytes(raw, ["Anna", "Lee", "Jürgen"]) == raw
    assert blanked_bytes(b"Anna", []) == b"Anna"


def test_many_names_take_no_longer() -> None:
    names = [f"a{number:03d} b" for number in range(256)]
    start = time.perf_counter()
    blanked("a b " * 250_000, names)
    assert time.perf_counter() - start < 12
