"""The page of a model in Chromium, from a server or from a file: what a user does on it, and sees."""

import shutil
from contextlib import contextmanager
from importlib.util import find_spec

NARROW, WIDE = 360, 1400
MESSAGES = "Failed to load resource"  # Chromium reports every answer with an error status


def why_no_browser():
    """Why no page can be tested here; None if one can."""
    if find_spec("selenium") is None:
        return "needs selenium"
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        return "needs chromium and chromedriver; on Debian, install chromium-driver"
    return None


@contextmanager
def chromium(folder, language="en", *more):
    """Start Chromium without a window, with more arguments; downloads are saved in a folder."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", f"--accept-lang={language}", *more):
        options.add_argument(argument)
    options.add_experimental_option("prefs", {"download.default_directory": str(folder)})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    try:
        yield driver
    finally:
        driver.quit()


class Page:
    """What a user does on the page, and sees."""

    def __init__(self, driver):
        self.driver = driver

    def open(self, url, width=WIDE, scheme="light"):
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
        self.driver.get(url)
        self.driver.execute_script("localStorage.clear(); sessionStorage.clear()")
        self.driver.get_log("browser")
        self.driver.get_log("performance")
        self.driver.get(url)

    def all(self, selector):
        return self.driver.find_elements("css selector", selector)

    def one(self, selector):
        return self.until(lambda: next((each for each in self.all(selector) if each.is_displayed()), None), selector)

    def until(self, condition, what=""):
        """Wait until a condition holds, and return its value."""
        from selenium.common.exceptions import StaleElementReferenceException
        from selenium.webdriver.support.wait import WebDriverWait

        wait = WebDriverWait(self.driver, 20, 0.05, ignored_exceptions=[StaleElementReferenceException])
        return wait.until(lambda _: condition(), what)

    def shows(self, selector, text):
        self.until(lambda: text in self.one(selector).text, f"{selector} does not show {text!r}")

    def type(self, text, selector="#text"):
        from selenium.webdriver.common.keys import Keys

        self.one(selector).send_keys(Keys.CONTROL, "a")
        self.one(selector).send_keys(Keys.DELETE, text)

    def choose(self, selector, value):
        from selenium.webdriver.support.ui import Select

        Select(self.one(selector)).select_by_value(value)

    def choose_label(self, text):
        label = self.until(lambda: next((each for each in self.all(".segmented label") if each.text == text), None))
        label.find_element("css selector", "input").click()

    def predicts(self, text, prediction):
        self.type(text)
        self.until(lambda: self.one(".answer .prediction").text == prediction, f"{text!r} is not {prediction!r}")

    def run(self, script):
        return self.driver.execute_script(f"return {script}")

    def errors(self):
        return [entry["message"] for entry in self.driver.get_log("browser") if MESSAGES not in entry["message"]]
