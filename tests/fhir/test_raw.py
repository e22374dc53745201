"""The text of a resource is stamped with the server's id and version, and nothing else of it changes."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mappings.raw import entry_resources, members, stamped, stamped_ours, text_of

UPDATED = "2027-03-01T09:30:00.000000Z"

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
names = st.sampled_from(["id", "meta", "versionId", "resourceType", "é", 'a"b', "\\", "{"]) | texts
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda deeper: st.lists(deeper, max_size=3) | st.dictionaries(names, deeper, max_size=3),
    max_leaves=12,
)
spaces = st.sampled_from(["", " ", "\n  ", "\t", "\r\n"])


@st.composite
def written(draw: st.DrawFn, value: Any) -> str:
    """A value as somebody may write it: spaces anywhere, characters escaped or not."""
    space = draw(spaces)
    if isinstance(value, dict):
        inside = [
            f"{space}{draw(written(name))}{space}:{space}{draw(written(each))}"
            for name, each in value.items()
        ]
        return "{" + f"{space},".join(inside) + f"{space}}}"
    if isinstance(value, list):
        return f"[{space}" + f"{space},{space}".join(draw(written(each)) for each in value) + f"{space}]"
    if isinstance(value, str) and draw(st.booleans()) and value.isascii() and value.isalnum():
        return '"' + "".join(f"\\u{ord(each):04X}" for each in value) + '"'
    return json.dumps(value, ensure_ascii=draw(st.booleans()))


@st.composite
def resources(draw: st.DrawFn) -> tuple[dict[str, Any], str]:
    """A resource and its text; its id and meta may be anywhere in it, or missing."""
    said: dict[str, Any] = {"resourceType": "Basic", **draw(st.dictionaries(names, values, max_size=4))}
    said["resourceType"] = "Basic"
    said.pop("id", None)
    said.pop("meta", None)
    if draw(st.booleans()):
        said["id"] = draw(texts)
    if draw(st.booleans()):
        said["meta"] = draw(st.dictionaries(names, values, max_size=3))
        if draw(st.booleans()):
            said["meta"] |= {"versionId": "41", "lastUpdated": "1999-01-01T00:00:00Z"}
    order = draw(st.permutations(list(said)))
    said = {name: said[name] for name in order}
    return said, draw(spaces) + draw(written(said)) + draw(spaces)


@given(resources())
def test_only_the_id_and_the_version_are_other_than_they_were_sent(one: tuple[dict[str, Any], str]) -> None:
    said, text = one
    answered = stamped(text, "new-1", 7, UPDATED)
    meta = {"versionId": "7", "lastUpdated": UPDATED}
    assert json.loads(answered) == {**said, "id": "new-1", "meta": {**said.get("meta", {}), **meta}}
    assert rest(answered) == rest(text)


def rest(text: str) -> list[str]:
    """Every member but the two that the server says, exactly as it is written."""
    return [text[one.start : one.end] for one in members(text) if one.name not in ("id", "meta")]


@given(resources())
def test_stamping_twice_is_stamping_once(one: tuple[dict[str, Any], str]) -> None:
    text = one[1]
    once = stamped(text, "a", 1, UPDATED)
    assert stamped(stamped(text, "b", 9, "2030-01-01T00:00:00Z"), "a", 1, UPDATED) == stamped(
        once, "a", 1, UPDATED
    )


def test_spaces_order_decimals_and_escapes_stay_as_they_came() -> None:
    text = (
        '{ "\\u0069d" : "theirs",\n\t"valueDecimal": 1.50, "resourceType":"Basic", "n": 1E+2,\r\n'
        '"nested": {"id": "deep", "meta": {"versionId": "3"}}, "s": "}\\"{ \\u00e9 é \\/" }\n'
    )
    answered = stamped(text, "ours", 2, UPDATED)
    assert answered == (
        '{ "\\u0069d" : "ours",\n\t"valueDecimal": 1.50, "resourceType":"Basic"'
        f',"meta":{{"versionId":"2","lastUpdated":"{UPDATED}"}}, "n": 1E+2,\r\n'
        '"nested": {"id": "deep", "meta": {"versionId": "3"}}, "s": "}\\"{ \\u00e9 é \\/" }\n'
    )
    assert json.loads(answered, parse_float=Decimal)["valueDecimal"].as_tuple().exponent == -2


def test_profiles_tags_and_security_labels_are_their_authors() -> None:
    text = '{"resourceType":"Basic","meta":{"lastUpdated":"x","profile":[ "http://p" ],"tag":[{"code":"t"}]}}'
    answered = json.loads(stamped(text, "1", 1, UPDATED))
    assert answered["meta"] == {
        "versionId": "1",
        "lastUpdated": UPDATED,
        "profile": ["http://p"],
        "tag": [{"code": "t"}],
    }


def test_ours_are_stamped_the_same_way_however_they_begin() -> None:
    for text in (
        '{"resourceType": "Task", "id": "a", "status": "ready"}',
        '{"resourceType":"Task","id":"a","status":"ready"}',
        '{"status": "ready", "resourceType": "Task", "id": "a"}',
    ):
        said = json.loads(stamped_ours(text, "a", 4, UPDATED))
        assert said == {**json.loads(text), "meta": {"versionId": "4", "lastUpdated": UPDATED}}


def test_every_entry_of_a_bundle_is_cut_out_as_it_stands() -> None:
    first, second = (
        '{ "resourceType":"Basic", "x": 1.0 }',
        '{"resourceType":"Basic","entry":[{"resource":{}}]}',
    )
    bundle = (
        '{"resourceType":"Bundle","type":"batch","entry": [ {"fullUrl":"urn:uuid:1",'
        f'"resource": {first} , "request":{{}}}},{{"request":{{"method":"GET"}}}}, {{"resource":{second}}} ] }}'
    )
    assert entry_resources(bundle) == [first, None, second]
    assert entry_resources('{"resourceType":"Bundle"}') == []


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    assert text_of(b'\xef\xbb\xbf{"a":"\xc3\xa9"}') == '{"a":"é"}'


@pytest.mark.parametrize("text", ["", "[]", '{"a"}', '{"a":1', '{"a":1 "b":2}', "{1:2}", '{"entry":[1 2]}'])
def test_what_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any sentence will do
        list(members(text)) and entry_resources(text)
