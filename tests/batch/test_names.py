"""Names: those that lead elsewhere are refused, and those that would meet in one output."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jpegredact.batch.names import (
    Taken,
    checked_name,
    folded,
    is_jpeg,
    is_ours,
    temporary_name,
)
from jpegredact.errors import UnsafeNameError

GOOD = [
    "a.jpg", "a/b/c.JPG", "with space.jpg", "-rf", "~/x.jpg", ".hidden.jpg", "..jpg", "a..b.jpg",
    "ünï/çødé.jpg", "照片/一.jpg", "😀.jpg", "no-extension", "console.jpg", "COM10.jpg", "nuls.jpg",
    "ab:c.jpg", "a" * 255, "/".join(["d" * 100] * 10), "100%25.jpg", "a?b#c*.jpg", "$HOME.jpg",
]  # fmt: skip
BAD = {
    "": "is empty",
    "/etc/passwd": "absolute",
    "//host/share/a.jpg": "absolute",
    "C:a.jpg": "absolute",
    "c:/a.jpg": "absolute",
    ".": "part '.'",
    "..": "part '..'",
    "../a.jpg": "part '..'",
    "a/../../b.jpg": "part '..'",
    "a/./b.jpg": "part '.'",
    "a//b.jpg": "empty part",
    "a/": "empty part",
    "a\\b.jpg": "backslash",
    "..\\a.jpg": "backslash",
    "a\0b.jpg": "U+0000",
    "a\nb.jpg": "U+000A",
    "\x1b[2J.jpg": "U+001B",
    "a\x7f.jpg": "U+007F",
    "a\x85.jpg": "U+0085",
    "a\u2028b.jpg": "U+2028",
    "CON": "reserves",
    "nul.jpg": "reserves",
    "x/Com1.tar.gz": "reserves",
    "lpt9": "reserves",
    "COM¹.jpg": "reserves",
    "aux .jpg": "reserves",
    "conin$": "reserves",
    "prn/a.jpg": "reserves",
    "a./b.jpg": "dot or a space",
    "a.jpg.": "dot or a space",
    "a.jpg ": "dot or a space",
    "...": "dot or a space",
    "a" * 256: "255 bytes",
    "é" * 128: "255 bytes",
    "/".join(["d" * 100] * 11): "1024",
    "a\udcff.jpg": "no UTF-8",
    "\ud83d.jpg": "no UTF-8",
    ".jpegredact.lock": "files of its own",
    "a/.jpegredact.0123456789abcdef.tmp": "files of its own",
}


@pytest.mark.parametrize("name", GOOD)
def test_safe_names_are_given_back(name: str) -> None:
    assert checked_name(name) == name


@pytest.mark.parametrize("name", BAD)
def test_unsafe_names_are_refused(name: str) -> None:
    with pytest.raises(UnsafeNameError) as caught:
        checked_name(name)
    assert caught.value.code == "name.unsafe"
    assert BAD[name] in str(caught.value)
    str(caught.value).encode()  # a message can be shown, whatever the name
    assert not any(unicodedata.category(each) == "Cc" for each in str(caught.value))


@pytest.mark.parametrize("name", ["a:b.jpg", "a/b?.jpg", 'a".jpg', "a|b"])
def test_what_only_windows_refuses(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    checked_name(name) if name != "a:b.jpg" else None
    monkeypatch.setattr("os.name", "nt")
    with pytest.raises(UnsafeNameError):
        checked_name(name)


@given(st.text())
def test_any_text_is_a_safe_name_or_refused(name: str) -> None:
    try:
        assert checked_name(name) == name
    except UnsafeNameError:
        return
    parts = name.split("/")
    assert all(part not in ("", ".", "..") for part in parts)
    assert "\\" not in name


@pytest.mark.parametrize(
    "names",
    [
        ["a.jpg", "A.JPG", "a.jpe", "a.JPEG", "a"],
        ["d/é.jpg", "D/E\u0301.jpg"],
        ["straße.jpg", "STRASSE.jpg"],
        ["x/\u1e9b\u0323.jpg", "x/\u1e9b\u0323.jpeg", "X/\u017f\u0323\u0307.jpg"],
        [".a.jpg", ".A.jpeg"],
        ["a.b.jpg", "a.B.jpeg"],
    ],
)
def test_names_that_meet(names: list[str]) -> None:
    assert len({folded(name) for name in names}) == 1


@pytest.mark.parametrize(
    "names", [["a/b.jpg", "a.b/jpg"], ["a.jpg", "b.jpg"], ["x/a.jpg", "y/a.jpg"], [".a", ".b"],
              ["a.b/c", "a.d/c"], ["e.jpg", "é.jpg"]],
)  # fmt: skip
def test_names_that_do_not_meet(names: list[str]) -> None:
    assert len({folded(name) for name in names}) == len(names)


@given(st.text(), st.sampled_from(["NFC", "NFD"]))
def test_form_and_case_never_count(name: str, form) -> None:
    assert folded(unicodedata.normalize(form, name)) == folded(name)
    assert folded(folded(name + ".x") + ".y") == folded(name + ".x")


def test_the_second_of_two_names_is_refused_and_the_same_is_not() -> None:
    taken = Taken()
    taken.claim("a/b.jpg")
    taken.claim("a/b.jpg")
    with pytest.raises(UnsafeNameError) as caught:
        taken.claim("A/B.jpeg")
    assert caught.value.code == "name.taken"
    taken.claim("a/c.jpg")
    assert len(taken) == 2
    with pytest.raises(UnsafeNameError):
        taken.claim("a/b")


@given(st.lists(st.text("aA.é/", max_size=4)))
def test_taken_is_what_a_dictionary_would_say(names: list[str]) -> None:
    taken, first = Taken(), {}
    for name in names:
        if first.setdefault(folded(name), name) == name:
            taken.claim(name)
        else:
            with pytest.raises(UnsafeNameError):
                taken.claim(name)
    assert len(taken) == len(first)


def test_a_hundred_thousand_names_take_some_fifty_bytes_each() -> None:
    taken = Taken()
    for number in range(100_000):
        taken.claim(f"2024/{number % 100}/{number}.jpg")
    assert len(taken) == 100_000
    assert sum(map(len, taken._shards)) < 56 * 100_000
    for number in range(0, 100_000, 997):
        taken.claim(f"2024/{number % 100}/{number}.jpg")
        with pytest.raises(UnsafeNameError):
            taken.claim(f"2024/{number % 100}/{number}.JPG")


def test_names_of_our_own() -> None:
    assert is_ours(temporary_name())
    assert is_ours("a/b/" + temporary_name())
    assert is_ours(".jpegredact.lock")
    assert not is_ours(".a.jpg.0123456789abcdef.tmp")
    assert not is_ours(".jpegredact.0123456789ABCDEF.tmp")
    assert not is_ours(temporary_name() + "/a")


def test_names_of_jpegs() -> None:
    assert all(map(is_jpeg, ("a.jpg", "a/b.JPEG", "a.b.jpe", "a.jfif", "a.jif")))
    assert not any(map(is_jpeg, ("a", "jpg", "a.jpg/b", "a.jpgx", "a.png", "a.jpg\n")))
