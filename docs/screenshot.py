"""Take a picture of the upper part of an HTML page with a headless browser.

    python docs/screenshot.py PAGE.html PICTURE.png

It needs Chromium or Chrome on the path; the picture is of the light theme.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
WIDTH, HEIGHT = 1000, 1080  # pixels


def screenshot(page: Path, picture: Path) -> None:
    """Write the picture. Exits with one line if there is no browser."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        sys.exit(f"a picture needs a browser: install one of {', '.join(BROWSERS)} (Debian: apt-get install chromium)")
    with tempfile.TemporaryDirectory() as profile:
        command = [
            browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={profile}",
            f"--window-size={WIDTH},{HEIGHT}", f"--screenshot={picture.resolve()}", page.resolve().as_uri(),
        ]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True, timeout=120)
    print(f"{picture}: {picture.stat().st_size / 1e3:,.0f} kB")


if __name__ == "__main__":
    screenshot(Path(sys.argv[1]), Path(sys.argv[2]))
