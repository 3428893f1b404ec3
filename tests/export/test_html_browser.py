"""The page of `henkan export --to html` in Chromium, opened as a file, without a network."""

import json
from urllib.parse import urlsplit

import pytest

from commands import checked, run_here
from henkan import Seq2Seq, __version__, combine
from page_server import save_models
from web_page import NARROW, WIDE, Page, chromium, why_no_browser

pytestmark = [pytest.mark.web, pytest.mark.skipif(why_no_browser() is not None, reason=str(why_no_browser()))]

OFFLINE = "--host-resolver-rules=MAP * ~NOTFOUND"
LIGHT, DARK = 200, 60  # shades of grey, from 0 to 255


@pytest.fixture(scope="module")
def folders(words, trained, tmp_path_factory):
    """Folders of models: with a pointer, with attention, with neither, with feature tags, mixed, and with a lexicon."""
    folder = tmp_path_factory.mktemp("models")
    saved = {path.name: path for path in save_models(folder, words, trained)}
    small = {"recipe": "edits", "epochs": 1, "hidden_size": 8, "embedding_size": 4, "calibrate_outside": False}
    known = Seq2Seq(**small).fit(["ab", "ab", "ba"], ["first", "second", "third"], keep_lexicon=True)
    mixed = combine([Seq2Seq(**small).fit(*words), trained])
    for name, model in {"known": known, "mixed": mixed}.items():
        model.save(folder / name)
        saved[name] = folder / name
    return saved


@pytest.fixture(scope="module")
def urls(folders, tmp_path_factory):
    """Name of a model -> address of its page, which the command has written."""
    folder = tmp_path_factory.mktemp("pages")
    here = checked(run_here, ".")
    for name, path in folders.items():
        here("export", path, "--to", "html", "--out", folder / f"{name}.html")
    return {name: (folder / f"{name}.html").as_uri() for name in folders}


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("downloads"), "en", OFFLINE) as driver:
        driver.execute_cdp_cmd("Network.enable", {})
        offline = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
        driver.execute_cdp_cmd("Network.emulateNetworkConditions", offline)
        yield driver


@pytest.fixture
def open_page(browser, urls):
    """Function that opens the page of a model. At the end, no request may have left, and the console must be empty."""
    page = Page(browser)

    def open(name="edits", **options):
        page.open(urls[name], **options)
        return page

    yield open
    assert page.errors() == []
    assert requested(page) <= {"file", "data", "blob"}


def requested(page):
    """The schemes of all addresses that the browser requested."""
    events = [json.loads(entry["message"])["message"] for entry in page.driver.get_log("performance")]
    urls = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    assert urls
    return {urlsplit(url).scheme for url in urls}


def predicted(folder, *texts):
    """What `henkan predict` says about texts, with the options that the page starts with."""
    options = ("--json", "--beam", "5", "--nbest", "5")
    return [
        json.loads(line) for line in checked(run_here, ".")("predict", folder, *options, *texts).stdout.splitlines()
    ]


def style(element, name):
    """The value of a custom property."""
    return float(
        element.parent.execute_script("return arguments[0].style.getPropertyValue(arguments[1])", element, name)
    )


@pytest.mark.parametrize("name", ["edits", "attention", "plain", "mixed"])
def test_answers_are_those_of_the_command(open_page, folders, name):
    page = open_page(name)
    texts = ["cab", "ab", "a", "aé"]
    for text, expected in zip(texts, predicted(folders[name], *texts), strict=True):
        page.predicts(text, expected["prediction"])
        if not page.one(".nbest").get_attribute("open"):
            page.one(".nbest summary").click()
        wanted = [each["prediction"] or "(empty)" for each in expected["nbest"]]
        page.until(lambda wanted=wanted: [each.text for each in page.all(".candidates .text")] == wanted, f"{text}")
        shares = [style(bar, "--share") for bar in page.all(".candidates .bar")]
        probabilities = [2.718281828459045 ** each["log_probability"] for each in expected["nbest"]]
        assert shares == pytest.approx(probabilities, abs=2e-3)  # of float16 weights
        shown = page.one(".answer .confidence .number").text
        assert (shown == "unknown") == (expected["confidence"] is None)


@pytest.mark.parametrize(
    ("name", "caption"), [("edits", "Each edit action"), ("attention", "Attention weights"), ("plain", "Saliency")]
)
def test_where_the_model_looked_is_drawn(open_page, name, caption):
    page = open_page(name)
    page.type("cab")
    page.shows(".caption", caption)
    assert len(page.until(lambda: page.all(".lines path"))) >= 3
    page.choose_label("Matrix")
    page.until(lambda: len(page.all(".matrix tbody td")) >= 9)
    weights = [style(cell, "--weight") for cell in page.all(".matrix tr:nth-child(1) td")[1:4]]
    assert sum(weights) == pytest.approx(1, abs=0.01)


def test_the_keyboard_is_enough(open_page):
    from selenium.webdriver.common.keys import Keys

    page = open_page()
    focused = lambda: page.driver.switch_to.active_element  # noqa: E731
    page.run("document.activeElement.blur()")
    page.driver.switch_to.active_element.send_keys(Keys.TAB)
    assert focused().get_attribute("class") == "skip"
    for _ in range(20):
        focused().send_keys(Keys.TAB)
        if focused().get_attribute("id") == "text":
            break
    focused().send_keys("cab")
    page.until(lambda: page.one(".answer .prediction").text == "CAB")
    page.until(lambda: "Prediction: CAB" in page.run("document.querySelector('[aria-live]').textContent"))
    while focused().tag_name != "summary":
        focused().send_keys(Keys.TAB)
    focused().send_keys(Keys.ENTER)
    page.until(lambda: [each for each in page.all(".candidates button") if each.is_displayed()])
    focused().send_keys(Keys.TAB)
    focused().send_keys(Keys.TAB)
    assert focused().get_attribute("aria-pressed") == "false"
    focused().send_keys(Keys.ENTER)
    chosen = focused().find_element("css selector", ".text").text
    assert chosen != "CAB"
    page.until(lambda: chosen in "".join(each.text.split("\n")[0] for each in page.all(".step") if each.text != "×"))


def test_a_list_is_converted_and_saved(open_page, folders, tmp_path):
    page = open_page()
    page.driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    texts = ["ab", "cab", "bca", "b", " "] * 9
    page.driver.execute_script(
        "const data = new DataTransfer(); data.setData('text/plain', arguments[0]);"
        "document.getElementById('text').dispatchEvent(new ClipboardEvent('paste', {clipboardData: data, bubbles: true,"
        "cancelable: true}))",
        "\n".join(texts) + "\n",
    )
    assert page.one("#lines").get_attribute("value").splitlines() == texts
    page.one(".run button").click()
    page.shows(".status", "45 lines converted.")
    page.all(".tools button")[1].click()
    file = tmp_path / "edits.tsv"
    page.until(file.exists)
    header, *rows = [line.split("\t") for line in file.read_text("utf-8").splitlines()]
    assert header == ["source", "prediction", "confidence", "note"]
    assert [row[0] for row in rows] == texts
    for row, expected in zip(rows, predicted(folders["edits"], *texts), strict=True):
        assert row[1] == (expected["prediction"] or "")
        assert float(row[2] or 0) == pytest.approx(expected["confidence"] or 0, abs=2e-3)
    assert rows[4][3] == "The text is empty or has only spaces."


def test_the_model_abstains_and_has_no_constraints(open_page, folders):
    page = open_page()
    page.predicts("ab", "AB")
    page.run(
        "(() => {const e = document.getElementById('option-abstain_below'); e.value = 1;"
        "e.dispatchEvent(new Event('input', {bubbles: true}))})()"
    )
    page.shows(".notes", "the model abstains")
    page.one(".options > summary")
    assert not page.run("document.getElementById('option-pattern').checkVisibility()")
    [expected] = predicted(folders["edits"], " ")
    page.type(" ")
    assert expected["blank"]
    page.shows(".notes", "The text is empty or has only spaces.")


def test_known_sources_are_answered_from_the_lexicon(open_page):
    page = open_page("known")
    page.predicts("ab", "first")
    page.shows(".notes", "From the lexicon, not predicted.")
    page.one(".nbest summary").click()
    page.until(lambda: [each.text for each in page.all(".candidates .text")] == ["first", "second"])
    page.type("abba")
    page.until(lambda: "lexicon" not in page.one(".answer").text)
    page.one(".model-details summary").click()
    page.shows(".model-details", "3 entries, which are looked up before the model predicts")


def test_a_text_that_is_too_long_is_not_converted(open_page):
    page = open_page()
    page.type("a")
    page.run("document.execCommand('insertText', false, 'b'.repeat(1000))")
    page.shows("#text-error", "Only texts of up to 1,000 characters can be converted.")
    assert page.one("#text").get_attribute("aria-invalid") == "true"
    page.predicts("ab", "AB")
    assert page.run("document.getElementById('text-error').hidden")


def test_the_model_card(open_page):
    page = open_page("tags")
    page.one(".model-details summary").click()
    page.shows(".model-details", "39 pairs from pairs given in Python")
    for fact in ("Neural transducer", "feature tags, separated by", "hidden size 32", f"henkan {__version__}"):
        assert fact in page.one("#facts").text
    page.choose("#language", "ja")
    page.shows(".model-details", "学習データ")
    assert page.run("document.documentElement.lang") == "ja"
    page.shows("footer", "モデルはこのファイルの中で動きます")


@pytest.mark.parametrize("width", [NARROW, WIDE])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_screen_and_theme(open_page, width, scheme):
    page = open_page(width=width, scheme=scheme)
    page.type("cabcabcabcabcabcabcabcabcab")
    page.until(lambda: len(page.all(".symbol.source")) == 27)
    page.until(lambda: page.all(".lines path"))
    for fold in (".nbest > summary", ".model-details > summary"):
        page.one(fold).click()
    assert page.run("document.documentElement.scrollWidth") <= width
    red = int(page.run("getComputedStyle(document.body).backgroundColor").split("(")[1].split(",")[0])
    assert red > LIGHT if scheme == "light" else red < DARK


CONNECT = """
const done = arguments[0];
fetch("https://example.org/").then(() => done("sent"), (error) => done(String(error)));
"""


def test_the_page_cannot_connect(open_page):
    page = open_page()
    page.predicts("ab", "AB")
    assert "Failed to fetch" in page.driver.execute_async_script(CONNECT)
    [message, *_] = page.errors()
    assert "Content Security Policy" in message
    page.driver.get_log("browser")


PLAIN = "delete globalThis.WebAssembly;\n"


def test_it_works_without_webassembly(open_page, browser):
    """A worker without WebAssembly: its script gets a line in front."""
    page = open_page()
    script = browser.execute_cdp_cmd(
        "Page.addScriptToEvaluateOnNewDocument",
        {
            "source": "const Original = Blob; window.Blob = class extends Original { constructor(parts, options) {"
            f"super(options?.type === 'text/javascript' ? [{PLAIN!r}, ...parts] : parts, options); }} }};"
        },
    )
    try:
        page.driver.refresh()
        page.predicts("cab", "CAB")
    finally:
        browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", script)
