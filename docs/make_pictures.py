"""Render the report page of a run as docs/pictures/report.png, the picture in the README.

    python docs/make_pictures.py runs/quickstart

The page is written by `charrnn report` and photographed by a headless Chromium or Chrome from the PATH: light theme,
the upper part with learning curves and figures.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PICTURE = Path(__file__).parent / "pictures" / "report.png"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
WIDTH, HEIGHT = 980, 1150  # CSS pixels: the page is at most 940 wide
SCALE = 1.5
MAX_BYTES = 300_000


def find_browser() -> str:
    """The first browser on the PATH. Exits with one line if there is none."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        sys.exit("make pictures needs a browser: install chromium (Debian: apt-get install chromium) or Google Chrome")
    return found


def photograph(browser: str, page: Path, picture: Path) -> None:
    """Take a picture of the upper part of a page. Exits with one line if the browser takes none."""
    with tempfile.TemporaryDirectory() as folder:
        shot = Path(folder) / "shot.png"
        command = [browser, "--headless=new", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={folder}/profile"]
        command += [f"--window-size={WIDTH},{HEIGHT}", f"--force-device-scale-factor={SCALE}", f"--screenshot={shot}"]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            command.append("--no-sandbox")  # the sandbox does not run for root, for instance in a container
        done = subprocess.run([*command, page.resolve().as_uri()], capture_output=True, text=True, timeout=120)
        if done.returncode or not shot.exists():
            sys.exit(f"{browser} took no picture: {done.stderr.strip()[-300:]}")
        picture.write_bytes(shot.read_bytes())


def main() -> None:
    """Write the report of the run that the command line names, and its picture."""
    run = Path(sys.argv[1])
    browser = find_browser()
    subprocess.run([sys.executable, "-m", "charrnn", "report", str(run)], check=True)
    photograph(browser, run / "report.html", PICTURE)
    size = PICTURE.stat().st_size
    print(f"written: {PICTURE} ({size / 1e3:,.0f} kB)")
    if size > MAX_BYTES:
        sys.exit(f"{PICTURE} is larger than {MAX_BYTES / 1e3:,.0f} kB; lower SCALE")


if __name__ == "__main__":
    main()
