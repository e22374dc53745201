"""``jalon indicators``: the same figures at the command line."""

import csv
import io
import json

from tests.cli.conftest import Shell


def test_an_empty_house_has_no_figures_and_says_so(jalon: Shell) -> None:
    done = jalon("indicators", "--from", "2027-01-01", "--to", "2027-12-31", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["from"], said["to"]) == ("2027-01-01", "2027-12-31")
    assert {one["says"] for one in said["indicators"]} == {"nobody"}
    assert {one["value"] for one in said["indicators"]} == {None}
    lines = list(csv.DictReader(io.StringIO(jalon("indicators", "--csv").stdout)))
    assert [one["key"] for one in lines] == [one["key"] for one in said["indicators"]]
    assert "nobody" in jalon("indicators").stdout


def test_what_cannot_be_is_one_line_with_the_remedy(jalon: Shell) -> None:
    for words, told in (
        (("--from", "demain"), "'from' must be a day like 2027-03-16."),
        (("--from", "2027-03-02", "--to", "2027-03-01"), "The period ends before it begins"),
        (("--json", "--csv"), "say --json or --csv, not both"),
    ):
        done = jalon("indicators", *words)
        assert done.returncode != 0
        assert told in done.stderr
        assert done.stderr.count("\n") == 1
