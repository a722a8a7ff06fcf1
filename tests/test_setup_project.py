"""The project's own papers: lock, ranges, conda, licences, citation, README, make."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import lock
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

TOP = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((TOP / "pyproject.toml").read_text())
LOCK_LINES = [
    line
    for line in (TOP / "requirements.lock").read_text().splitlines()
    if line and not line.startswith("#")
]
LOCK = {canonicalize_name(Requirement(x).name): Requirement(x) for x in LOCK_LINES}
# Imported by name, brought by a declared package (whose part or partner it is).
COMES_WITH = {
    "IPython": "ipywidgets",
    "cycler": "matplotlib",
    "jupyter_client": "jupyterlab",
    "jupyter_server": "jupyterlab",
    "nbclient": "nbval",
    "nbformat": "nbval",
    "psutil": "accelerate",
    "traitlets": "ipywidgets",
    "packaging": "pytest",
    "yaml": "accelerate",
}


def ranges() -> list[Requirement]:
    project = PROJECT["project"]
    extras = project["optional-dependencies"].values()
    lines = project["dependencies"] + [x for extra in extras for x in extra]
    return [Requirement(line) for line in lines + PROJECT["build-system"]["requires"]]


@pytest.mark.parametrize("wanted", ranges(), ids=lambda r: r.name)
def test_the_lock_holds_every_dependency_within_its_range(wanted):
    locked = LOCK[canonicalize_name(wanted.name)]
    (version,) = locked.specifier
    assert wanted.specifier.contains(version.version), f"{locked} is not {wanted}"
    assert str(wanted.marker) == str(locked.marker)


def test_the_lock_is_exact_and_the_same_on_every_machine():
    form = re.compile(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+(; .+)?")
    assert all(form.fullmatch(line) for line in LOCK_LINES), LOCK_LINES
    assert len(LOCK) == len(LOCK_LINES) > 100
    assert "torch==2.13.0" in LOCK_LINES
    assert LOCK["decord"].marker is not None
    assert "pip" not in LOCK
    assert "motion-not-scenery" not in LOCK


def test_lock_lines_drop_what_belongs_to_one_machine():
    frozen = [
        "# comment",
        "-e git+somewhere#egg=course",
        "local @ file:///somewhere/local.whl",
        "pip==26.3",
        "torch==2.13.0+cpu",
        "decord==0.6.0",
    ]
    torch, decord = lock.lock_lines(frozen)
    assert torch == "torch==2.13.0"
    assert Requirement(decord).marker is not None


def test_conda_gives_the_same_environment():
    conda = yaml.safe_load((TOP / "environment.yml").read_text())
    *packages, pip = conda["dependencies"]
    assert packages == ["python=3.11", "pip"]
    assert pip == {"pip": ["-r requirements.lock", "-e ."]}
    assert conda["name"] == PROJECT["project"]["name"]
    assert "3.11" in PROJECT["project"]["requires-python"]


def test_the_packages_the_course_was_asked_to_use_are_declared():
    declared = {canonicalize_name(r.name) for r in ranges()}
    asked = "jupyterlab torch ipywidgets plotly decord nbval scikit-learn".split()
    assert not set(asked) - declared


def third_party_imports() -> dict[str, Path]:
    found, own = {}, {"course"}
    for folder in ("course", "data_scripts", "tests", "benchmarks"):
        for path in (TOP / folder).rglob("*.py"):
            own.add(path.stem)
            for node in ast.walk(ast.parse(path.read_text())):
                names = [a.name for a in node.names] if type(node) is ast.Import else []
                if isinstance(node, ast.ImportFrom) and not node.level:
                    names = [str(node.module)]
                found |= {name.split(".")[0]: path for name in names}
    known = own | set(sys.stdlib_module_names)
    return {name: path for name, path in found.items() if name not in known}


def test_every_import_is_declared():
    declared = {canonicalize_name(r.name) for r in ranges()}
    distributions = packages_distributions()
    for name, path in third_party_imports().items():
        if COMES_WITH.get(name) in declared or name == "torchvision":  # optional
            continue
        homes = {canonicalize_name(home) for home in distributions.get(name, [name])}
        assert homes & declared, f"{path} imports {name}, which nothing declares"


def test_the_citation_names_five_papers():
    citation = yaml.safe_load((TOP / "CITATION.cff").read_text())
    assert citation["version"] == PROJECT["project"]["version"]
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()
    papers = citation["references"]
    assert [p["year"] for p in papers] == [2017, 2020, 2019, 2022, 2022]
    for paper in papers:
        assert paper["authors"] and paper["conference"]["name"], paper["title"]


def test_licences_of_code_and_text():
    assert (TOP / "LICENSE").read_text().startswith("MIT License")
    assert "CC BY 4.0" in (TOP / "LICENSE-TEXT").read_text()
    assert "LICENSE-TEXT" in (TOP / "README.md").read_text()


def make_targets() -> set[str]:
    text = (TOP / "Makefile").read_text()
    return set(re.findall(r"^([a-z-]+):", text, flags=re.M))


def test_the_readme_points_only_at_what_exists():
    text = (TOP / "README.md").read_text()
    used = set(re.findall(r"`make ([a-z-]+)", text))
    used |= set(re.findall(r"^make ([a-z-]+)", text, flags=re.M))
    assert {"lab", "test"} <= used <= make_targets()
    for link in re.findall(r"\]\(([^)#]+)\)", text):
        assert link.startswith("https://") or (TOP / link).exists(), link


def test_the_makefile_has_all_targets_and_explains_them():
    wanted = "lab test test-fast test-browser test-install notebooks bench"
    wanted += " test-offline lint clean help"
    assert set(wanted.split()) <= make_targets()
    shown = subprocess.run(
        ["make", "-s", "help"], cwd=TOP, capture_output=True, text=True, check=True
    ).stdout
    assert all(f"make {name} " in shown for name in wanted.split())


def test_make_refuses_a_python_that_is_too_old(tmp_path):
    old = tmp_path / "python"
    old.write_text("#!/bin/sh\n[ \"$1\" = --version ] && echo 'Python 3.9.1'\nexit 1\n")
    old.chmod(0o755)
    command = ["make", "install", f"PYTHON={old}", f"VENV={tmp_path / 'venv'}"]
    out = subprocess.run(command, cwd=TOP, capture_output=True, text=True)
    assert out.returncode != 0
    assert "Python 3.9.1" in out.stdout and "needs Python 3.11" in out.stdout


def test_ci_script_fails_if_one_part_fails(tmp_path):
    """With a `make` that fails one target only, the script tries both and fails."""
    fake = tmp_path / "make"
    fake.write_text("#!/bin/sh\necho ran $1\n[ $1 != $BROKEN ]\n")
    fake.chmod(0o755)
    (tmp_path / "chromium").write_text("#!/bin/sh\n")
    (tmp_path / "chromium").chmod(0o755)
    for broken, code in (("test", 1), ("test-browser", 1), ("nothing", 0)):
        out = subprocess.run(
            [TOP / ".ci" / "run"],
            cwd=tmp_path,
            env={"PATH": f"{tmp_path}:/usr/bin:/bin", "BROKEN": broken},
            capture_output=True,
            text=True,
        )
        assert out.returncode == code, out.stdout + out.stderr
        assert "ran test\n" in out.stdout and "ran test-browser\n" in out.stdout


def test_make_bench_finds_every_benchmark():
    """`pytest benchmarks` alone would look for test_*.py and find nothing."""
    recipe = (TOP / "Makefile").read_text().split("\nbench:")[1].split("\n\n")[0]
    pattern = re.search(r"python_files='([^']+)'", recipe)
    assert pattern, recipe
    files = sorted((TOP / "benchmarks").glob("*.py"))
    assert files and files == sorted((TOP / "benchmarks").glob(pattern[1]))
