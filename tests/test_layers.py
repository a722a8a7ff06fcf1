"""The rules of the house: imports go down only, rooms do not meet, extras are extra."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

COURSE = Path(__file__).parent.parent / "course"
ROOMS = ("i3d", "motion_squeeze", "scene_debias", "fame", "dcc")
FLOORS = [
    {"scale", "draws"},
    {"video"},
    {"synthetic", "datasets", "backbones"},
    {"training", "evaluation"},
    {"teaching"},
    {*ROOMS, "first_look"},
    {"chapters", "cli", "doctor", "__main__"},
]
FLOOR = {part: number for number, floor in enumerate(FLOORS) for part in floor}
OPTIONAL = """ipywidgets plotly matplotlib decord av pooch platformdirs cv2 IPython
    nbformat nbclient torchvision typer rarfile tensorboard""".split()
# Files about widgets by name; all others must do without the optional packages.
ABOUT_WIDGETS = {
    "course.teaching.panel",
    "course.teaching.quiz",
    "course.teaching.errors",
}
NEEDS_TYPER = {"course.cli", "course.__main__"}


def modules(root: Path = COURSE) -> dict[str, Path]:
    """Dotted name and file of every module, the package's name in front."""
    found = {}
    for path in sorted(root.rglob("*.py")):
        parts = [root.name, *path.relative_to(root).with_suffix("").parts]
        found[".".join(p for p in parts if p != "__init__")] = path
    return found


def imports(name: str, path: Path) -> set[str]:
    """Modules of the package that a file imports, at its top or inside a function."""
    package, found = name.split(".")[0], set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                here = (
                    name.split(".") if path.stem == "__init__" else name.split(".")[:-1]
                )
                here = here[: len(here) - node.level + 1]
                base = ".".join([*here, *([base] if base else [])])
            found |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    return {target for target in found if target.split(".")[0] == package}


def part(module: str) -> str:
    """The package or file right below the root, or "" for the root itself."""
    return (module.split(".") + [""])[1]


def breaches(root: Path = COURSE) -> list[str]:
    """Every import that does not go down, and every part without a floor."""
    known, found = modules(root), []
    for name, path in known.items():
        own = part(name)
        if not own:
            continue  # the front door, `course/__init__.py`, opens every room
        if own not in FLOOR:
            found.append(f"{own} stands on no floor: see {Path(__file__).name}")
            continue
        for other in sorted({part(target) for target in imports(name, path)} - {own}):
            if other not in FLOOR or own in FLOORS[-1]:
                continue  # a name of the front door, or the attic, which may see all
            if FLOOR[other] > FLOOR[own]:
                found.append(f"{name} imports course.{other}, which is above it")
            elif FLOOR[other] == FLOOR[own] and own not in FLOORS[0]:
                found.append(f"{name} imports course.{other} on its own floor")
    return found


def test_imports_go_down_only():
    assert breaches() == []


@pytest.mark.parametrize(
    ("file", "line", "message"),
    [
        ("video/x.py", "from course.training import loop", "above"),
        ("video/x.py", "def f():\n    import course.synthetic", "above"),
        ("fame/x.py", "from course.dcc import kmeans", "own floor"),
        ("fame/x.py", "from ..dcc import kmeans", "own floor"),
        ("fame/x.py", "from course import dcc", "own floor"),
        ("synthetic/x.py", "from course.backbones import resnet", "own floor"),
        ("training/x.py", "from course import chapters", "above"),
        ("cellar/x.py", "", "no floor"),
    ],
)
def test_a_planted_breach_is_found(tmp_path, file, line, message):
    for name in ("video", "fame", "dcc", "synthetic", "training", "cellar"):
        (tmp_path / "course" / name).mkdir(parents=True)
        (tmp_path / "course" / name / "__init__.py").touch()
    (tmp_path / "course" / "cellar" / "__init__.py").unlink()
    assert breaches(tmp_path / "course") == []
    (tmp_path / "course" / file).write_text(line)
    assert any(message in breach for breach in breaches(tmp_path / "course"))


def test_allowed_imports_are_not_called_breaches(tmp_path):
    (tmp_path / "course" / "fame").mkdir(parents=True)
    lines = "import torch\nfrom course.teaching import Panel\nfrom . import claims\n"
    (tmp_path / "course" / "fame" / "x.py").write_text(lines)
    (tmp_path / "course" / "cli.py").write_text("from course.chapters import a")
    assert breaches(tmp_path / "course") == []


BARE = """
import importlib, sys

hidden = set({hidden!r})


class Hide:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in hidden:
            raise ModuleNotFoundError(f"{{name}} is hidden", name=name)


sys.meta_path.insert(0, Hide())
failed = []
for name in {names!r}:
    try:
        importlib.import_module(name)
    except Exception as error:
        failed.append(f"{{name}}: {{error!r}}")
print("\\n".join(failed))
loaded = hidden & {{name.split(".")[0] for name in sys.modules}}
assert not loaded, loaded
"""


def bare(names: list[str], hidden=OPTIONAL) -> str:
    """What fails when these modules are imported without the optional packages."""
    code = BARE.format(hidden=tuple(hidden), names=names)
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=COURSE.parent,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def test_everything_but_the_widgets_works_on_a_bare_server():
    skipped = ABOUT_WIDGETS | NEEDS_TYPER
    names = [n for n in modules() if n not in skipped and not n.endswith(".panels")]
    assert bare(names) == ""


def test_the_bare_server_really_lacks_them():
    assert "ipywidgets is hidden" in bare(["course.teaching.panel"])


def test_pillow_is_not_needed_to_import_the_course():
    names = [n for n in modules() if part(n) not in {"teaching", *FLOORS[-1]}]
    assert (
        bare([n for n in names if not n.endswith(".panels")], {"PIL", "pandas"}) == ""
    )
