"""A missing peer skips its tests with one line; under JALON_REQUIRE_PEERS=1 every skip is a failure."""

import os
from collections.abc import Generator
from typing import NoReturn

import pytest


def peers_are_required() -> bool:
    """Whether this run (continuous integration) must find every peer."""
    return os.environ.get("JALON_REQUIRE_PEERS", "") not in ("", "0")


def skip_for_want_of(what: str, how: str) -> NoReturn:
    """Skip the test with one line: what is missing, and how to get it."""
    pytest.skip(f"{what} is missing: {how}")


def _sentence(longrepr: object) -> str:
    return str(longrepr[2]) if isinstance(longrepr, tuple) else str(longrepr)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip into a failure where peers are required; an expected failure (xfail) stays what it is."""
    report = yield
    if report.skipped and peers_are_required() and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{_sentence(report.longrepr)}\nJALON_REQUIRE_PEERS=1 allows no skipped test."
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a module skipped while it is collected."""
    report = yield
    if report.skipped and peers_are_required():
        report.outcome = "failed"
        report.longrepr = f"{_sentence(report.longrepr)}\nJALON_REQUIRE_PEERS=1 allows no skipped module."
    return report
