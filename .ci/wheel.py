"""Build the wheel and the sdist, look into them, install the wheel alone, and use it from an empty folder.

Needs the packages of the dependency group `package`. Everything but the package index is local. Exits 1, after one
line that says why, when anything is not as it should be.
"""

import os
import re
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from email.parser import BytesParser
from pathlib import Path

ROOT = Path(__file__).parents[1]
DATA = ("languages.tsv", "tales.txt", "words.tsv")
FEW = ["--set", "train.max_steps=40", "--set", "train.eval_every=20"]


def run(*command: object, folder: Path = ROOT) -> str:
    """Run a program in a folder and return what it writes to stdout; ends this script when it fails."""
    print("+", *command, flush=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [str(word) for word in command], cwd=folder, env=kept, stdout=subprocess.PIPE, encoding="utf-8"
    )
    if done.returncode:
        sys.exit(f"exit code {done.returncode}; it wrote: {done.stdout[-2000:]}")
    return done.stdout


def build(folder: Path) -> Path:
    """Build both archives into a folder and check them; returns the wheel."""
    run(sys.executable, "-m", "build", "--outdir", folder, ROOT)
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    run(sys.executable, "-m", "twine", "check", "--strict", wheel, sdist)
    configs = {path.name for path in (ROOT / "configs").iterdir()}
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (metadata,) = (name for name in names if name.endswith(".dist-info/METADATA"))
        readme = str(BytesParser().parsebytes(archive.read(metadata)).get_payload())
    wanted = {f"charrnn/_shipped/configs/{name}" for name in configs} | {
        *(f"charrnn/_shipped/data/{name}" for name in DATA),
        "charrnn/py.typed",
    }
    if wanted - names:
        sys.exit(f"{wheel.name} lacks {', '.join(sorted(wanted - names))}")
    if strays := {name for name in names if not re.match(r"charrnn/|charrnn_\w+-[^/]+\.dist-info/", name)}:
        sys.exit(f"{wheel.name} also holds {', '.join(sorted(strays))}")
    if relative := re.findall(r"\]\((?![a-z]+:|#)[^)]*\)", readme):
        sys.exit(f"the README in {wheel.name} has relative links: {', '.join(relative[:5])}")
    with tarfile.open(sdist) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    wanted = {
        "Makefile",
        "tests/conftest.py",
        *(f"data/{name}" for name in DATA),
        *(f"configs/{name}" for name in configs),
    }
    if wanted - inside:
        sys.exit(f"{sdist.name} lacks {', '.join(sorted(wanted - inside))}")
    return wheel


def use(wheel: Path, home: Path, empty: Path) -> None:
    """Install a wheel, without anything that only developers need, into a new environment; train, sample, score."""
    venv.create(home, with_pip=True)
    scripts = home / ("Scripts" if os.name == "nt" else "bin")
    run(scripts / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel)
    charrnn = scripts / "charrnn"
    print(run(charrnn, "--version", folder=empty), end="")
    run(charrnn, "train", "quickstart", *FEW, folder=empty)
    if len(run(charrnn, "sample", "runs/quickstart", "--length", 50, folder=empty)) < 50:
        sys.exit("the sample is too short")
    if "nats/char" not in run(charrnn, "eval", "runs/quickstart", folder=empty):
        sys.exit("the evaluation names no nats/char")
    run(charrnn, "report", "runs/quickstart", folder=empty)
    if not (empty / "runs" / "quickstart" / "report.html").exists():
        sys.exit("there is no report")
    run(charrnn, "export", "runs/quickstart", "page.html", "--to", "web", folder=empty)
    (empty / "my.yaml").write_text(run(charrnn, "config", folder=empty), encoding="utf-8")
    run(charrnn, "train", "my.yaml", "--dry-run", folder=empty)


def main() -> None:
    """Build, check, install and use; what is built goes with the temporary folder."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for each in ("dist", "empty"):
            (folder / each).mkdir()
        use(build(folder / "dist"), folder / "venv", folder / "empty")
    print("the wheel works")


if __name__ == "__main__":
    main()
