"""The shape of the code: imports point one way, the core is pure, and one file asks what time it is."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("pathway", "fhir_mappings", "store", "gateways", "scheduler", "app")
WALL_CLOCKS = {
    "datetime.datetime": {"now", "utcnow", "today"},
    "datetime.date": {"today"},
    "time": {"time", "time_ns", "localtime", "gmtime", "ctime"},
}


def sources(*packages: str) -> Iterator[tuple[Path, str]]:
    for package in packages:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path.relative_to(ROOT), path.read_text(encoding="utf-8")


def imported(source: str) -> list[tuple[int, str]]:
    """(line, module) of every absolute import, wherever it stands in the file."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.append((node.lineno, node.module or ""))
    return found


def beyond_the_standard_library(source: str, own: str) -> list[str]:
    allowed = sys.stdlib_module_names | {own}
    return [f"line {line}: {name}" for line, name in imported(source) if name.split(".")[0] not in allowed]


def names_of_modules(tree: ast.Module) -> dict[str, str]:
    """What each name bound by an import stands for: `{"dt": "datetime", "clock": "time.time", …}`."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.asname:
                    names[alias.asname] = alias.name
                else:
                    names[alias.name.split(".")[0]] = alias.name.split(".")[0]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return names


def dotted(node: ast.expr, names: dict[str, str]) -> str:
    """The full name an expression refers to, or an empty string when it is not a plain dotted name."""
    if isinstance(node, ast.Name):
        return names.get(node.id, "")
    if isinstance(node, ast.Attribute):
        owner = dotted(node.value, names)
        return owner and f"{owner}.{node.attr}"
    return ""


def asks_the_wall_clock(source: str) -> list[str]:
    """Every mention, called or passed on, of a function that reads the wall clock."""
    tree = ast.parse(source)
    names = names_of_modules(tree)
    forbidden = {f"{owner}.{function}" for owner, functions in WALL_CLOCKS.items() for function in functions}
    mentions = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute | ast.Name)]
    return [f"line {it.lineno}: {dotted(it, names)}" for it in mentions if dotted(it, names) in forbidden]


def lint_imports(config: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache", "--config", str(config)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_imports_point_one_way() -> None:
    result = lint_imports(ROOT / "pyproject.toml", ROOT)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("package", "line", "broken"),
    [
        ("pathway", "import app", "imports point one way"),
        ("store", "import gateways", "imports point one way"),
        ("fhir_mappings", "import store", "imports point one way"),
        ("gateways", "import pathway", "gateways know nothing of ours"),
        ("scheduler", "import fastapi", "FastAPI only in app"),
        ("app", "import fhir.resources", "fhir.resources only in fhir_mappings"),
        ("gateways", "import sqlalchemy", "SQL only in store"),
    ],
)
def test_an_import_that_points_the_wrong_way_is_caught(
    tmp_path: Path, package: str, line: str, broken: str
) -> None:
    for name in PACKAGES:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(line if name == package else "")
    config = tmp_path / "pyproject.toml"
    config.write_text((ROOT / "pyproject.toml").read_text())
    result = lint_imports(config, tmp_path)
    assert result.returncode == 1, result.stdout + result.stderr
    assert f"{broken} BROKEN" in result.stdout


def test_the_pathway_imports_the_standard_library_only() -> None:
    found = {str(path): beyond_the_standard_library(text, "pathway") for path, text in sources("pathway")}
    assert found
    assert {path: lines for path, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    "line",
    ["import yaml", "from pydantic import BaseModel", "def f():\n    import httpx", "import store.ledger"],
)
def test_a_foreign_import_in_the_pathway_is_caught(line: str) -> None:
    assert beyond_the_standard_library(line, "pathway")
    assert not beyond_the_standard_library(
        "import json\nfrom pathway.plan import plan\nfrom . import x", "pathway"
    )


def test_one_file_asks_what_time_it_is() -> None:
    found = {str(path): asks_the_wall_clock(text) for path, text in sources(*PACKAGES)}
    assert {path: lines for path, lines in found.items() if lines and path != "app/clock.py"} == {}


@pytest.mark.parametrize(
    "source",
    [
        "import datetime\ndatetime.datetime.now(datetime.UTC)",
        "import datetime as dt\ndt.datetime.utcnow()",
        "from datetime import datetime as moment\nmoment.now()",
        "from datetime import date\nday = date.today()",
        "import time\ntime.time()",
        "from time import time\ntime()",
        "from datetime import datetime\nfield(default_factory=datetime.now)",
    ],
)
def test_a_look_at_the_wall_clock_is_caught(source: str) -> None:
    assert asks_the_wall_clock(source)


def test_measuring_a_duration_is_no_look_at_the_wall_clock() -> None:
    assert not asks_the_wall_clock("import time\ntime.monotonic()\ntime.perf_counter()\nnow = clock.now()")
