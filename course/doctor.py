"""`python -m course doctor`: is this machine ready, and if not, what is the fix?

Each check does the thing itself (decodes a clip, starts a kernel, writes a file) and
does not only ask whether a package is installed.  A check that raises is a FAIL.
"""

from __future__ import annotations

import base64
import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

OK, WARN, FAIL = "OK", "WARN", "FAIL"
_INSTALL = "pip install -r requirements.lock && pip install --no-deps -e ."

# What no path of the course does without, and what the notebooks need besides.
_CORE = "torch numpy einops jaxtyping sklearn pandas tqdm accelerate typer".split()
_NOTEBOOK = "jupyterlab ipywidgets plotly matplotlib PIL cv2 av".split()

_CHROMIUM_NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)

# Four grey frames of 32x32 (levels 39, 89, 139, 189) in MPEG-4, zipped, for machines on
# which no clip can be written.
_TINY_CLIP = """\
eNp9U70vBEEUf3t3PhIK4nwklqyEztdtRFRCxOUKoaJAYe9mNjZ27GVnbELBXkfhD9EJQSkRUWh1FFqtRKfgzd
zuWefjZWffm/m97zcDALotdssO9xhACiTHZbLyRA4Amm2fUuQhI5YA0M6hrQnZZXsl39L1fPe0D3BTk2poRyXf
3XvQy94lGks1tLOSt65eL5+vJRpLNbS7ktefYttYSueY5wWYh8uCTQLfKP2CZm+ggfy+SPuuVb+fgX8phd+a8K
0tlNfFloqZ/ukN48L/cX6Na0QLYJASwZHr1OXiyyLyq2y1B0YcS1owUl/7jHK0fKs2I5vE9WMkcAhNaq7g3itY
28SlUkfbZ862jUI2YMppMs1BUsV04lM7UUbrju8aUYLTXBRdlB+54CShc48XJ/ijFTJXAwrIC39q1FPPxwf+Ny
gnXA07DMMlNMsgnzXalcoi5tQUNuDJGHo8ldldHHVUnWsG3B4fwryWyWTncHu2YAWlSXPUnBrNjZuNaKOlZBeK
wo/aX/UmI3OhRhPnmcHXIGUdKy4lziNM8SxiexHWH53jWclL6A/jKu4QIUe6yqjikgaS48OR+1a57CZbMeJU78
jQifCkwz58klbcRKzLxrpypqzrE+e/kzk=
"""
_TINY_LEVELS = (39, 89, 139, 189)


@dataclass(frozen=True)
class Check:
    """One line of the report: what was looked at, how it stands, and the fix."""

    name: str
    status: str
    detail: str
    fix: str = ""


def check_python() -> Check:
    """Python 3.11 to 3.13, best in an environment of its own."""
    version = ".".join(map(str, sys.version_info[:3]))
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        return Check("Python", FAIL, version, "use Python 3.11, 3.12 or 3.13")
    own = sys.prefix != sys.base_prefix or "CONDA_PREFIX" in os.environ
    place = "own environment" if own else "the system's environment"
    return Check("Python", OK, f"{version}, {place}")


def check_packages() -> Check:
    """Everything the notebooks import is installed."""

    def missing(names: Iterable[str]) -> list[str]:
        return [name for name in names if importlib.util.find_spec(name) is None]

    core, rest = missing(_CORE), missing(_NOTEBOOK)
    if core:
        return Check("Packages", FAIL, "missing: " + ", ".join(core + rest), _INSTALL)
    if rest:
        detail = f"missing: {', '.join(rest)} (training works, notebooks do not)"
        return Check("Packages", WARN, detail, _INSTALL)
    return Check("Packages", OK, f"all {len(_CORE + _NOTEBOOK)} import names found")


def check_torch() -> Check:
    """A recent torch that multiplies matrices on the device of the scale in force."""
    import torch

    from course.scale import current_scale, device_for

    version = torch.__version__
    if tuple(map(int, version.split("+")[0].split(".")[:2])) < (2, 11):
        return Check("torch", FAIL, version, "pip install 'torch>=2.11'")
    scale, device = current_scale(), device_for()
    torch.ones(8, 8, device=device).matmul(torch.ones(8, 8, device=device)).sum().item()
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    detail = f"{version} on {name}, scale {scale}"
    if scale != "cpu" and device.type == "cpu":
        return Check("torch", WARN, detail, f"scale {scale} wants a CUDA device")
    if not torch.cuda.is_available() and shutil.which("nvidia-smi"):
        fix = "this torch cannot use the NVIDIA GPU: install a CUDA build (pytorch.org)"
        return Check("torch", WARN, detail, fix)
    return Check("torch", OK, detail)


def _write_test_clip(folder: Path) -> tuple[Path, tuple[float, ...], str]:
    """A clip whose frames have known grey levels, and how it came about."""
    import numpy as np

    levels = (40, 90, 140, 190)
    try:
        from course.video import write_video

        frames = np.stack([np.full((64, 64, 3), v, np.uint8) for v in levels])
        path = folder / "clip.mp4"
        write_video(path, frames, fps=8)
        return path, levels, "written and read back"
    except Exception:  # PyAV missing or without an encoder: reading still counts
        path = folder / "tiny.mp4"
        path.write_bytes(zlib.decompress(base64.b64decode(_TINY_CLIP)))
        return path, _TINY_LEVELS, "read (none could be written: is PyAV installed?)"


def check_video() -> Check:
    """A small H.264 clip is written, decoded, and has the right grey levels."""
    import numpy as np

    from course.video import read_clip

    with tempfile.TemporaryDirectory() as folder:
        path, levels, how = _write_test_clip(Path(folder))
        frames = np.asarray(read_clip(path))
    means = frames.reshape(len(frames), -1).mean(axis=1)
    fix = "pip install --force-reinstall av decord"
    if len(means) != len(levels) or np.abs(means - levels).max() > 6:
        wrong = f"decoded {np.round(means).tolist()}, expected {list(levels)}"
        return Check("Video", FAIL, wrong, fix)
    readers = [n for n in ("decord", "av") if importlib.util.find_spec(n)]
    detail = f"{len(means)} frames {how}; readers: {', '.join(readers)}"
    return Check("Video", OK if how.startswith("written") else WARN, detail, fix)


def check_disk(folder: Path | None = None) -> Check:
    """Room for rendered worlds and checkpoints: 2 GB, better 10."""
    from course.scale import cache_dir

    folder = (folder or cache_dir()).absolute()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free / 1e9
    detail = f"{free:.0f} GB free where the cache lives"
    status = OK if free >= 10 else WARN if free >= 2 else FAIL
    return Check("Disk", status, detail, "free some space, or set COURSE_CACHE")


def available_memory() -> float | None:
    """Free memory in GiB, a container's limit included; None if unknown."""
    try:
        import psutil
    except ImportError:
        return None
    free = psutil.virtual_memory().available / 2**30
    limit, used = (Path("/sys/fs/cgroup") / n for n in ("memory.max", "memory.current"))
    try:
        free = min(free, (int(limit.read_text()) - int(used.read_text())) / 2**30)
    except (OSError, ValueError):  # no such files, or "max"
        pass
    return free


def check_memory() -> Check:
    """A chapter at cpu scale stays below 4 GiB."""
    free = available_memory()
    if free is None:
        return Check("Memory", WARN, "unknown (psutil is not installed)", _INSTALL)
    status = OK if free >= 4 else WARN if free >= 2 else FAIL
    return Check("Memory", status, f"{free:.1f} GiB available", "close other programs")


def check_jupyter() -> Check:
    """JupyterLab is there and its `python3` kernel runs this very Python."""
    version = importlib.metadata.version("jupyterlab")
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(
        startup_timeout=60, kernel_name="python3", stderr=subprocess.DEVNULL
    )
    try:
        reply = client.execute_interactive(
            "",
            user_expressions={"prefix": "__import__('sys').prefix"},
            timeout=60,
            output_hook=lambda message: None,
        )
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    found = reply["content"]["user_expressions"]["prefix"]["data"]["text/plain"]
    if Path(found.strip("'\"")).resolve() != Path(sys.prefix).resolve():
        fix = "python -m ipykernel install --sys-prefix --name python3"
        return Check("Jupyter", FAIL, f"its kernel is another Python: {found}", fix)
    return Check("Jupyter", OK, f"JupyterLab {version}, a kernel answered")


def find_chromium() -> str | None:
    """Path of a Chromium (or Chrome); CHROMIUM names one outside the PATH."""
    named = os.environ.get("CHROMIUM")
    if named:
        return shutil.which(named)
    return next(filter(None, map(shutil.which, _CHROMIUM_NAMES)), None)


def check_chromium() -> Check:
    """Optional: only `make test-browser` uses it."""
    path = find_chromium()
    fix = (
        "for make test-browser only: apt-get install chromium, or name one in CHROMIUM"
    )
    if path is None:
        return Check("Chromium", WARN, "not found", fix)
    command = [path, "--version"]
    out = subprocess.run(command, capture_output=True, text=True, timeout=30)
    if out.returncode != 0:
        return Check("Chromium", WARN, f"{path} does not start", fix)
    return Check("Chromium", OK, " ".join(out.stdout.split()[:2]))


def check_cache() -> Check:
    """The cache folder can be written to."""
    from course.scale import cache_dir

    folder = cache_dir()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        file.write(b"x")
    return Check("Cache", OK, str(folder))


CHECKS: dict[str, tuple[Callable[[], Check], str]] = {
    "Python": (check_python, "use Python 3.11, 3.12 or 3.13"),
    "Packages": (check_packages, _INSTALL),
    "torch": (check_torch, "pip install 'torch>=2.11' (see pytorch.org)"),
    "Video": (check_video, "pip install --force-reinstall av decord"),
    "Disk": (check_disk, "free some space, or set COURSE_CACHE to a larger disk"),
    "Memory": (check_memory, "close other programs"),
    "Jupyter": (check_jupyter, "pip install jupyterlab ipykernel ipywidgets"),
    "Chromium": (
        check_chromium,
        "for make test-browser only: apt-get install chromium",
    ),
    "Cache": (check_cache, "set COURSE_CACHE to a folder you may write to"),
}


def examine(names: Iterable[str] | None = None) -> list[Check]:
    """Run the checks.

    Args:
        names: which ones (keys of `CHECKS`); by default all.

    Returns:
        One `Check` each; one that raised is a FAIL that carries the message.

    >>> examine(["Python"])[0].status
    'OK'
    """
    results = []
    for name in names or CHECKS:
        check, fix = CHECKS[name]
        try:
            results.append(check())
        except Exception as error:  # whatever is broken here is what we report
            message = " ".join(str(error).split()) or "no message"
            detail = f"{type(error).__name__}: {message}"[:200]
            status = WARN if name == "Chromium" else FAIL
            results.append(Check(name, status, detail, fix))
    return results


def report(checks: list[Check]) -> str:
    """The table as text: one line a check, and the fix below each that is not OK."""
    lines = []
    for check in checks:
        lines.append(f"{check.status:<5} {check.name:<9} {check.detail}")
        if check.status != OK and check.fix:
            lines.append(f"{'':<15} fix: {check.fix}")
    failed = sum(check.status == FAIL for check in checks)
    warned = sum(check.status == WARN for check in checks)
    if failed:
        lines.append(f"{failed} of {len(checks)} checks failed.")
    else:
        ready = "Ready." if not warned else f"Ready, with {warned} warning(s)."
        lines.append(ready)
    return "\n".join(lines)
