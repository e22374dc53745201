"""A file in several: what the included ones list goes on in the same list, and an error names its own file and line."""

from pathlib import Path

import pytest

from app.yaml_file import Unreadable, read_yaml
from pathway.codec import Malformed


def files(folder: Path, **said: str) -> Path:
    for name, text in said.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder / "main.yaml"


def test_what_is_included_is_read_as_if_it_stood_there(tmp_path: Path) -> None:
    main = files(
        tmp_path,
        main="include: [first.yaml, second.yaml]\nname: x\nsteps: [{key: a}]\n",
        first="steps:\n  - {key: b}\n",
        second="# more\nsteps:\n  - {key: c}\ngates: [{key: G}]\n",
    )
    read = read_yaml(main)
    assert read.data == {
        "name": "x",
        "steps": [{"key": "a"}, {"key": "b"}, {"key": "c"}],
        "gates": [{"key": "G"}],
    }


def test_an_error_names_the_included_file_and_its_line(tmp_path: Path) -> None:
    main = files(
        tmp_path, main="include: [more.yaml]\nsteps: [{key: a}]\n", more="\n\nsteps:\n  - {key: b, due: 3}\n"
    )
    read = read_yaml(main)
    problem = read.unreadable(Malformed("steps[1].due", "is no date"))
    assert str(problem) == f"{tmp_path / 'more.yaml'}:4: steps[1].due: is no date"
    assert str(read.unreadable(Malformed("steps.a", "x"))).startswith(f"{main}:2: ")


@pytest.mark.parametrize(
    ("main", "more", "sentence"),
    [
        ("include: [more.yaml]\nname: x\n", "name: y\n", "more.yaml:1: the key 'name' is given in two files"),
        ("include: [more.yaml]\n", "[a]\n", "more.yaml:1: a mapping is expected"),
        ("include: [more.yaml]\n", "a: {b: 1, b: 2}\n", "more.yaml:1: the key 'b' is given twice"),
        ("include: [more.yaml]\n", "a: [1\n", "more.yaml:2: "),
        ("a: 1\ninclude: [../more.yaml]\n", "", "main.yaml:2: include: names files beside this one"),
        ("include: [nowhere.yaml]\n", "", "nowhere.yaml:1: cannot be read"),
    ],
)
def test_what_cannot_be_included_is_told_where_it_stands(
    tmp_path: Path, main: str, more: str, sentence: str
) -> None:
    with pytest.raises(Unreadable) as refused:
        read_yaml(files(tmp_path, main=main, more=more))
    assert sentence in str(refused.value)
