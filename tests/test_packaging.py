"""What the archives, the continuous integration and the citation say agrees with pyproject.toml."""

import re
import subprocess
import tomllib

import yaml

import charrnn
from tests.support.processes import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_the_oldest_versions_are_the_lower_bounds() -> None:
    bounds = dict(re.fullmatch(r"([a-z]+)>=([\d.]+)", each).groups() for each in PROJECT["dependencies"])  # type: ignore[union-attr]
    lines = (ROOT / ".ci" / "oldest.txt").read_text().splitlines()
    oldest = dict(line.split("==") for line in lines if not line.startswith("#"))
    assert oldest.keys() == bounds.keys()
    for name, version in oldest.items():
        assert re.fullmatch(rf"{re.escape(bounds[name])}(\.0)*", version), name


def test_the_name_of_the_distribution_stands_in_one_place_beside_the_pages_for_people() -> None:
    search = ["git", "grep", "-lF", PROJECT["name"], "--", ":!*.md"]
    found = subprocess.run(search, cwd=ROOT, capture_output=True, text=True)
    if found.returncode <= 1:  # in a git checkout; an sdist has no git
        assert found.stdout.splitlines() in (["pyproject.toml"], [])


def test_the_citation_is_of_this_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == charrnn.__version__
    assert [author["name"] for author in citation["authors"]] == [author["name"] for author in PROJECT["authors"]]


def test_users_get_the_types() -> None:
    assert (ROOT / "charrnn" / "py.typed").exists()
    assert "Typing :: Typed" in PROJECT["classifiers"]


def test_the_continuous_integration_tries_every_python_that_the_classifiers_name() -> None:
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    versions = re.findall(r"Python :: (3\.\d+)", " ".join(PROJECT["classifiers"]))
    assert versions[0] == PROJECT["requires-python"].removeprefix(">=")
    assert {version for version in versions if f'"{version}"' not in workflow} == set()
