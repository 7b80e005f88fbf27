"""Render two pages of a run as docs/pictures/report.png and page.png, the pictures in the README and in docs/export.md.

    python docs/make_pictures.py runs/quickstart

The pages are written by `charrnn report` and `charrnn export --to web` and photographed by a headless Chromium or
Chrome from the PATH: light theme, the upper part.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PICTURES = Path(__file__).parent / "pictures"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
WIDTH, HEIGHT = 980, 1150  # CSS pixels: the page is at most 940 wide
SCALE = 1.5
MAX_BYTES = 300_000
WRITING = "#prime=Once+upon+a+time&length=600&pace=1000000"  # what the exported page writes
WRITING_MS = 5000  # of the browser's own clock


def find_browser() -> str:
    """The first browser on the PATH. Exits with one line if there is none."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        sys.exit("make pictures needs a browser: install chromium (Debian: apt-get install chromium) or Google Chrome")
    return found


def photograph(browser: str, page: str, picture: Path) -> None:
    """Take a picture of the upper part of a page, named by its URL. Exits with one line if the browser takes none."""
    with tempfile.TemporaryDirectory() as folder:
        shot = Path(folder) / "shot.png"
        command = [browser, "--headless=new", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={folder}/profile"]
        command += [f"--window-size={WIDTH},{HEIGHT}", f"--force-device-scale-factor={SCALE}", f"--screenshot={shot}"]
        command.append(f"--virtual-time-budget={WRITING_MS}")
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            command.append("--no-sandbox")  # the sandbox does not run for root, for instance in a container
        done = subprocess.run([*command, page], capture_output=True, text=True, timeout=120)
        if done.returncode or not shot.exists():
            sys.exit(f"{browser} took no picture: {done.stderr.strip()[-300:]}")
        picture.write_bytes(shot.read_bytes())
    size = picture.stat().st_size
    print(f"written: {picture} ({size / 1e3:,.0f} kB)")
    if size > MAX_BYTES:
        sys.exit(f"{picture} is larger than {MAX_BYTES / 1e3:,.0f} kB; lower SCALE")


def main() -> None:
    """Write the report and the exported page of the run that the command line names, and their pictures."""
    run = Path(sys.argv[1])
    browser = find_browser()
    subprocess.run([sys.executable, "-m", "charrnn", "report", str(run)], check=True)
    photograph(browser, (run / "report.html").resolve().as_uri(), PICTURES / "report.png")
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "tales.html"
        subprocess.run([sys.executable, "-m", "charrnn", "export", str(run), str(page), "--to", "web"], check=True)
        photograph(browser, page.resolve().as_uri() + WRITING, PICTURES / "page.png")


if __name__ == "__main__":
    main()
