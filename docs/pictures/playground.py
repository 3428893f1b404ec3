"""Photograph the playground while its model learns: the pictures of the READMEs.

    python docs/pictures/playground.py

writes playground.en.png and playground.ja.png to the folder of this file. Needs Chromium, its driver and selenium.
"""

from __future__ import annotations

import base64
import sys
import tempfile
import time
from pathlib import Path

from henkan.export.html.playground import build_playground

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1] / "tests"))
WIDTH, HEIGHT, UPDATES = 1280, 2150, 500
SHOWN = "return Number(document.querySelector('.status').textContent.replaceAll(',', '').match(/\\d+/)?.[0] ?? 0)"


def main() -> None:
    """Train, pause, look at a step of the encoder, and save the pictures."""
    from browser import chromium

    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        page.write_bytes(build_playground())
        for language in ("en", "ja"):
            with chromium(
                f"--window-size={WIDTH},{HEIGHT}", "--force-prefers-reduced-motion", "--hide-scrollbars"
            ) as driver:
                metrics = {"width": WIDTH, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False}
                driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
                driver.get(f"{page.as_uri()}?lang={language}")
                driver.find_element("id", "train").click()
                while driver.execute_script(SHOWN) < UPDATES:
                    time.sleep(0.05)
                driver.find_element("id", "train").click()
                time.sleep(1)  # the views draw the last weights
                driver.find_elements("css selector", ".tile")[3].click()
                time.sleep(0.5)
                data = driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})["data"]
                (HERE / f"playground.{language}.png").write_bytes(base64.b64decode(data))


if __name__ == "__main__":
    main()
