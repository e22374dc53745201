"""`make mutation`: change `pathway/` one small way at a time, and see which changes no test notices.

mutmut does the changing and the running. Here is only what it cannot know: which tests speak for which files, how
large a share of the mutants to try, and how the results become the table of docs/mutation.md.

    python tests/mutation.py holding engine          # these groups, every mutant; what was tried before stands
    python tests/mutation.py explaining --share 0.2  # one mutant in five of each file, drawn by --seed
    python tests/mutation.py --table                 # the table of what has been tried so far

Each group is worked in a folder of its own, build/mutation/<group>, which links to the sources and in which
`mutmut show NAME` prints a survivor.
"""

import argparse
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / "build" / "mutation"
NEEDED = ("app", "docs", "fhir_mappings", "gateways", "pathway", "protocols", "scheduler", "store", "tests")


@dataclass(frozen=True)
class Group:
    """Some files of `pathway/`, without .py, and the tests under `tests/` that speak for them; spaces between."""

    files: str
    tests: str
    without: str = ""
    """Words of pytest's -k, for tests left out."""


# Left out everywhere: tests that draw at random, which would kill a mutant on one run and not on the next and take
# most of the time, and test_reasons.py, which reads the sources and finds the mutants written there.
ENGINE_TESTS = """pathway/test_deadlines.py pathway/test_findings.py pathway/test_gates.py pathway/test_hold.py
    pathway/test_hold_computed.py pathway/test_lifecycle.py pathway/test_messages.py pathway/test_moves.py
    pathway/test_p01.py pathway/test_refusals.py pathway/test_time.py pathway/test_watch.py
    pathway/test_mutants_hold.py pathway/test_mutants_safety.py"""

GROUPS = {
    "holding": Group(
        files="holding/*",
        tests="""pathway/test_holding.py pathway/test_holding_refusals.py pathway/test_hold_computed.py
            pathway/test_mutants_holding.py app/test_hold_profiles.py""",
        without="carry_no_date_anywhere or never_the_longest_of_all or no_delay_is_invented",
    ),
    "safety": Group(
        files="""decide decide_alerts decide_hold decide_steps decide_visits gates hold_asked lifecycle messages moves
            watch""",
        tests=ENGINE_TESTS,
    ),
    "engine": Group(
        files="""anchors answers calendar completeness condition courses enrolment flags ground hanging known ladders
            notices plan planned reasons referral safety state touch wording""",
        tests=ENGINE_TESTS,
    ),
    "migrating": Group(files="copying migrating", tests="pathway/test_migrating.py"),
    "explaining": Group(files="explaining/*", tests="pathway/test_explain.py"),
    "indicators": Group(
        files="indicators/*",
        tests="indicators/test_each.py indicators/test_figures.py indicators/test_file.py",
    ),
}

# How mutmut says what became of a mutant: the exit code of pytest, or one of its own.
KILLED, SURVIVED, UNTESTED = {1, 3}, {0}, {5, 33}


def settings(group: Group) -> str:
    """The [tool.mutmut] table of one group."""
    lines = {
        "source_paths": ["pathway/"],
        "only_mutate": [f"pathway/{name}.py" for name in group.files.split()],
        "also_copy": [name for name in NEEDED if name != "pathway"],
        "pytest_add_cli_args_test_selection": [f"tests/{name}" for name in group.tests.split()],
        "pytest_add_cli_args": ["-p", "no:cacheprovider"]
        + (["-k", f"not ({group.without})"] if group.without else []),
    }
    table = "\n".join(f"{key} = {json.dumps(value)}" for key, value in lines.items())
    return f"\n[tool.mutmut]\n{table}\nmutate_only_covered_lines = true\n"


def folder(name: str) -> Path:
    """Where mutmut works on a group: links to the sources, and the project's settings with the group's added."""
    place = WORK / name
    place.mkdir(parents=True, exist_ok=True)
    for needed in NEEDED:
        if not (place / needed).exists():
            (place / needed).symlink_to(ROOT / needed)
    (place / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text() + settings(GROUPS[name]))
    return place


def mutmut(place: Path, children: int, *mutants: str) -> int:
    """Run mutmut there; its output, which redraws one line without end, goes to mutmut.log."""
    command = [sys.executable, "-m", "mutmut", "run", "--max-children", str(children), *mutants]
    with (place / "mutmut.log").open("ab") as log:
        return subprocess.run(command, cwd=place, stdout=log, stderr=log, check=False).returncode


def tried(place: Path) -> Iterator[tuple[str, str, int | None]]:
    """File of `pathway/`, mutant and exit code (None while not tried), as mutmut keeps them."""
    for meta in sorted((place / "mutants" / "pathway").rglob("*.meta")):
        file = meta.relative_to(place / "mutants" / "pathway").as_posix().removesuffix(".meta")
        for mutant, code in json.loads(meta.read_text())["exit_code_by_key"].items():
            yield file, mutant, code


def drawn(place: Path, share: float, seed: str) -> list[str]:
    """That share of each file's mutants, the same for the same seed; a larger share holds the smaller one."""
    of_file: dict[str, list[str]] = {}
    for file, mutant, _ in tried(place):
        of_file.setdefault(file, []).append(mutant)
    chosen = []
    for mutants in of_file.values():
        mutants.sort(key=lambda mutant: sha256(f"{seed}:{mutant}".encode()).digest())
        chosen += mutants[: max(1, round(share * len(mutants)))]
    return chosen


def work(name: str, share: float, seed: str, children: int) -> None:
    """Try a group's mutants. SystemExit, with the place of the log, when mutmut could not."""
    place = folder(name)
    if share >= 1:
        code = mutmut(place, children)
    else:
        # mutmut has no command that only writes the mutants: asked for one that is none, it writes them and stops.
        mutmut(place, children, "none")
        done = {mutant for _, mutant, code in tried(place) if code is not None}
        code = mutmut(
            place, children, *(mutant for mutant in drawn(place, share, seed) if mutant not in done)
        )
    if code:
        sys.exit(f"mutmut stopped with code {code} in group {name}: see {place / 'mutmut.log'}")


def table() -> str:
    """What was tried, per file, in Markdown. The score is of the mutants tried: killed or timed out."""
    rows = ["| File | Mutants | Tried | Killed | Timeout | Survived | No test | Score |"]
    rows.append("| --- | --: | --: | --: | --: | --: | --: | --: |")
    for name in GROUPS:
        total: Counter[str] = Counter()
        files: dict[str, Counter[str]] = {}
        for file, _, code in tried(WORK / name):
            files.setdefault(file, Counter())[fate(code)] += 1
        for file, counted in sorted(files.items()):
            rows.append(row(f"`{file}`", counted))
            total += counted
        if files:
            rows.append(row(f"**{name}**", total))
    return "\n".join(rows) + "\n"


def fate(code: int | None) -> str:
    if code is None:
        return "not tried"
    if code in KILLED:
        return "killed"
    if code in SURVIVED:
        return "survived"
    return "no test" if code in UNTESTED else "timeout"


def row(name: str, counted: Counter[str]) -> str:
    tried_here = counted.total() - counted["not tried"]
    caught = counted["killed"] + counted["timeout"]
    score = f"{caught / tried_here:.0%}" if tried_here else ""
    fates = " | ".join(str(counted[each]) for each in ("killed", "timeout", "survived", "no test"))
    return f"| {name} | {counted.total()} | {tried_here} | {fates} | {score} |"


def main() -> None:
    asked = argparse.ArgumentParser(description="Mutate pathway/ and see which mutants the tests let live.")
    asked.add_argument(
        "groups", nargs="*", default=[], help=f"of {', '.join(GROUPS)}; all when none is named"
    )
    asked.add_argument("--share", type=float, default=1.0, help="share of each file's mutants to try, 0 to 1")
    asked.add_argument("--seed", default="jalon", help="what the share is drawn by")
    asked.add_argument("--children", type=int, default=2, help="mutants tried at the same time")
    asked.add_argument("--table", action="store_true", help="only print the table of what has been tried")
    told = asked.parse_args()
    if unknown := set(told.groups) - set(GROUPS):
        asked.error(f"no group is called {', '.join(sorted(unknown))}: there are {', '.join(GROUPS)}")
    if not told.table:
        for name in told.groups or GROUPS:
            work(name, told.share, told.seed, told.children)
    sys.stdout.write(table())


if __name__ == "__main__":
    main()
