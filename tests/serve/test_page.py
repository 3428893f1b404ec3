"""The page of `henkan serve` in Chromium."""

import json
from urllib.parse import urlsplit

import pytest

from page_server import save_models, serving, why_not
from web_page import NARROW, WIDE, Page, chromium

pytestmark = [pytest.mark.serve, pytest.mark.skipif(why_not() is not None, reason=str(why_not()))]


@pytest.fixture(scope="module")
def models(words, trained, tmp_path_factory):
    return save_models(tmp_path_factory.mktemp("models"), words, trained)


@pytest.fixture(scope="module")
def server_url(models):
    with serving(*models) as url:
        yield url


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("downloads")) as driver:
        yield driver


@pytest.fixture
def page(browser, server_url):
    """The page with the transducer, on a wide screen."""
    page = Page(browser)
    page.open(server_url)
    yield page
    assert page.errors() == []


def test_an_answer_appears_while_typing(page):
    page.predicts("ab", "AB")
    page.predicts("cab", "CAB")
    assert page.one(".answer .confidence .number").text.endswith("%")
    assert page.one("h1 select").get_attribute("value") == "edits"
    page.shows(".facts", "Neural transducer")
    page.until(lambda: "Prediction: CAB" in page.run("document.querySelector('[aria-live]').textContent"))
    page.type("")
    page.shows(".answer", "The prediction appears here while you type.")


def test_candidates_open_with_the_keyboard(page):
    from selenium.webdriver.common.keys import Keys

    page.predicts("ab", "AB")
    assert not page.one(".nbest").get_attribute("open")
    page.one(".nbest summary").send_keys(Keys.ENTER)
    buttons = page.until(lambda: [each for each in page.all(".candidates button") if each.is_displayed()])
    texts = [each.find_element("css selector", ".text").text for each in buttons]
    assert len(texts) == len(set(texts)) == 5
    assert texts[0] == "AB"
    shares = [
        float(page.run(f"document.querySelectorAll('.candidates .bar')[{i}].style.getPropertyValue('--share')"))
        for i in range(5)
    ]
    assert shares == sorted(shares, reverse=True)
    assert 0 < sum(shares) <= 1.0001
    buttons[1].send_keys(Keys.ENTER)  # its alignment is drawn
    end = ["end"]
    page.until(
        lambda: [each.text.split("\n")[0] for each in page.all(".step") if each.text != "×"] == [*texts[1], *end]
    )


def test_actions_are_drawn(page):
    page.predicts("cab", "CAB")
    page.until(lambda: len(page.all(".lines path[data-action=substitute]")) == 3)
    page.all(".step")[1].click()
    page.shows(".readout", "Replace a by A")
    assert len(page.all(".runners dd")) == 3
    assert [each.get_attribute("data-lit") for each in page.all(".symbol.source")] == [None, "", None]


@pytest.mark.parametrize(("model", "by"), [("attention", "Attention weights"), ("plain", "Saliency")])
def test_weights_are_drawn(page, model, by):
    page.choose("#model", model)
    page.type("cab")
    page.shows(".caption", by)
    assert len(page.until(lambda: page.all(".lines path"))) >= 3
    page.choose_label("Matrix")
    page.until(lambda: len(page.all(".matrix tbody td")) >= 9)
    weights = [
        float(
            page.run(f"document.querySelectorAll('.matrix tr:nth-child(1) td')[{i}].style.getPropertyValue('--weight')")
        )
        for i in (1, 2, 3)
    ]
    assert sum(weights) == pytest.approx(1, abs=0.01)
    if model == "attention":
        page.choose_label("Saliency")
        page.shows(".caption", "Saliency")


def test_feature_tags_have_a_field(page):
    [tags] = page.until(lambda: page.all("#tags"))
    assert not tags.is_displayed()
    page.choose("#model", "tags")
    page.type("cab")
    page.type("N", "#tags")
    page.until(lambda: [each.text for each in page.all(".symbol[data-kind=tag]")] == ["N"])
    assert page.one(".answer .prediction").text == "CAB"


def test_symbols_move_with_the_arrow_keys(page):
    from selenium.webdriver.common.keys import Keys

    page.predicts("ab", "AB")
    page.until(lambda: len(page.all(".step")) == 3)
    page.run("document.querySelector('.step').focus()")
    page.driver.switch_to.active_element.send_keys(Keys.ARROW_RIGHT)
    page.shows(".readout", "Replace b by B")


def test_choices_keep_the_focus_when_they_change(page):
    from selenium.webdriver.common.keys import Keys

    page.choose("#model", "attention")
    page.type("cab")
    page.until(lambda: page.all(".lines path"))
    for choice, values in (("#mode", ("list", "text")), (".figure-controls fieldset:last-child", ("matrix", "curves"))):
        page.one(f"{choice} label")
        page.run(f"document.querySelector('{choice} input:checked').focus()")
        for key, value in zip((Keys.ARROW_RIGHT, Keys.ARROW_LEFT), values, strict=True):
            page.driver.switch_to.active_element.send_keys(key)
            page.until(lambda value=value: page.run("document.activeElement.value") == value, value)
            assert page.run("document.activeElement.checked")


def test_unknown_symbols_are_marked(page):
    page.type("aé")
    page.shows(".notes", "Not in the training data: é")
    page.until(lambda: [each.text for each in page.all(".symbol[data-unknown]")] == ["é"])
    page.shows(".answer .confidence", "unknown")


def test_symbols_that_are_hard_to_show(page):
    page.type("a שלום e\u0301")
    page.until(lambda: [each.text for each in page.all(".symbol.source")][:2] == ["a", "␣"])
    assert "◌\u0301" in [each.text for each in page.all(".symbol.source")]
    page.type("שלום")
    page.until(lambda: len(page.all(".symbol.source")) == 4)
    assert page.one(".curves .row").get_attribute("dir") == "rtl"
    first, last = (each.rect["x"] for each in page.all(".symbol.source")[::3])
    assert first > last
    page.type("abcab" * 20)
    page.until(lambda: len(page.all(".symbol.source")) == 100)
    assert page.run("document.documentElement.scrollWidth") <= WIDE
    page.type("abcab" * 41)
    page.shows(".drawing", "Only texts of up to 200 characters can be drawn.")


def test_options(page):
    page.predicts("ab", "AB")
    page.one(".options .fold summary").click()
    page.type("CA|BC", "#option-pattern")
    page.until(lambda: page.one(".answer .prediction").text in ("CA", "BC"))
    page.type("(", "#option-pattern")
    page.shows("#option-pattern-error", "is not a regular expression")
    assert page.one("#option-pattern").get_attribute("aria-invalid") == "true"
    page.one(".options button.plain").click()
    page.predicts("ab", "AB")
    page.type("CCC\nABA", "#option-allow")
    page.until(lambda: page.one(".answer .prediction").text in ("CCC", "ABA"))
    page.run(
        "(() => {const e = document.getElementById('option-abstain_below'); e.value = 1;"
        "e.dispatchEvent(new Event('input', {bubbles: true}))})()"
    )
    page.shows(".notes", "the model abstains")


def test_many_lines(page, tmp_path):
    page.driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    page.choose_label("Many lines")
    page.run(
        "document.getElementById('lines').value = '' || Array(150).fill('ab').concat('cab', ' ', 'b'.repeat(1001))"
        ".join('\\n')"
    )
    page.one(".run button").click()
    page.shows(".status", "153 lines converted.")
    rows = page.all(".table tbody tr")
    assert len(rows) == 153
    assert [cell.text for cell in rows[150].find_elements("css selector", "td")][:3] == ["151", "cab", "CAB"]
    assert "longer than 1,000 characters" in rows[152].text
    page.all(".tools button")[1].click()
    file = tmp_path / "edits.tsv"
    page.until(file.exists)
    header, first, *_, cab, blank, _ = file.read_text("utf-8").splitlines()
    assert header.split("\t") == ["source", "prediction", "confidence", "note"]
    assert first.split("\t")[:2] == ["ab", "AB"]
    assert 0 < float(cab.split("\t")[2]) <= 1
    assert blank == " \t\t\tThe text has only spaces."
    rows[150].find_element("css selector", "button").click()  # opens the line
    page.until(lambda: page.one("#text").get_attribute("value") == "cab")


def test_pasted_lines_are_converted_with_the_options(page):
    page.one(".options .fold summary").click()
    page.type("CA|BC", "#option-pattern")
    page.driver.execute_script(
        "const data = new DataTransfer(); data.setData('text/plain', arguments[0]);"
        "const paste = new ClipboardEvent('paste', {clipboardData: data, bubbles: true, cancelable: true});"
        "document.getElementById('text').dispatchEvent(paste)",
        "ab\ncab",
    )
    assert page.one("#lines").get_attribute("value") == "ab\ncab"
    page.one(".run button").click()
    page.shows(".status", "2 lines converted.")
    assert {each.text for each in page.all(".table .prediction")} <= {"CA", "BC"}


def test_many_lines_can_be_stopped(page):
    page.choose_label("Many lines")
    page.run("document.getElementById('lines').value = Array(150).fill('ab').join('\\n')")
    page.driver.execute_script(HOLD.replace("(release) => (", "(release, stop) => (options.signal.onabort = stop, "))
    page.one(".run button").click()
    page.until(lambda: page.run("Boolean(window.release)"))
    page.run("window.release()")
    page.shows(".status", "100 of 150 lines")
    page.one(".run button").click()
    page.shows(".status", "Stopped after 100 of 150 lines.")
    assert page.one(".run button").text == "Convert"
    assert len(page.all(".table tbody tr")) == 100


def test_language_and_theme(page):
    page.predicts("ab", "AB")
    light = page.run("getComputedStyle(document.body).backgroundColor")
    page.choose("#language", "ja")
    page.shows(".nbest summary", "候補")
    assert page.run("document.documentElement.lang") == "ja"
    page.choose("#theme", "dark")
    dark = page.run("getComputedStyle(document.body).backgroundColor")
    assert dark != light
    page.driver.refresh()  # both are kept
    page.shows(".answer", "入力すると、ここに予測が表示されます。")
    assert page.run("getComputedStyle(document.body).backgroundColor") == dark


def test_the_system_decides_the_theme_and_the_browser_the_language(server_url, tmp_path):
    with chromium(tmp_path, "ja") as driver:
        page = Page(driver)
        page.open(server_url, scheme="dark")
        page.shows(".facts", "ニューラルトランスデューサ")
        assert page.run("getComputedStyle(document.body).colorScheme") == "light dark"
        red = int(page.run("getComputedStyle(document.body).backgroundColor").split("(")[1].split(",")[0])
        assert red < 60
        page.choose("#theme", "light")
        assert int(page.run("getComputedStyle(document.body).backgroundColor").split("(")[1].split(",")[0]) > 200


def test_nothing_is_requested_from_elsewhere(page, server_url):
    page.predicts("ab", "AB")
    page.until(lambda: page.all(".lines path"))
    events = [json.loads(entry["message"])["message"] for entry in page.driver.get_log("performance")]
    urls = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    assert {urlsplit(url).netloc for url in urls if not url.startswith("data:")} == {urlsplit(server_url).netloc}
    assert len(urls) > 10


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_narrow_screen_needs_no_horizontal_scrolling(page, server_url, language):
    page.open(server_url, width=NARROW)
    page.choose("#language", language)
    page.type("cabcabcabcabcabcabcabcabcab")
    page.until(lambda: page.all(".lines path"))
    page.one(".nbest summary").click()
    page.one(".model-details summary").click()
    page.one(".options > summary").click()
    page.one(".options .fold summary").click()
    assert page.run("document.documentElement.scrollWidth") <= NARROW
    page.all("#mode input")[1].click()
    page.one("#lines").send_keys("abcabcabc")
    page.one(".run button").click()
    page.until(lambda: page.all(".table tbody tr"))
    assert page.run("document.documentElement.scrollWidth") <= NARROW


def test_the_page_asks_for_the_token(browser, models):
    with serving(models[0], HENKAN_TOKEN="secret-token-of-the-test") as url:
        page = Page(browser)
        page.open(url)
        page.type("wrong", "#token")
        page.one("dialog .primary").click()
        page.shows("dialog .error", "did not accept")
        page.type("secret-token-of-the-test", "#token")
        page.one("dialog .primary").click()
        page.predicts("ab", "AB")
        assert page.run("sessionStorage.getItem('henkan-token')") == "secret-token-of-the-test"
        assert page.errors() == []


def test_the_page_waits_for_a_server_that_has_stopped(browser, models):
    with serving(models[0]) as url:
        page = Page(browser)
        page.open(url)
        page.predicts("ab", "AB")
        port = urlsplit(url).port
    page.type("cab")
    page.shows("#waiting", "The server cannot be reached.")
    assert page.one(".answer .prediction").text == "AB"  # the last answer stays
    with serving(models[0], "--port", port):
        page.until(lambda: page.one(".answer .prediction").text == "CAB")
        page.until(lambda: page.run("document.getElementById('waiting').textContent") == "")


HOLD = """
const send = window.fetch;
window.explained = [];
window.fetch = async (url, options) => {
  if (url.pathname.endsWith("explain")) window.explained.push(JSON.parse(options.body).model);
  const response = await send(url, options);
  if (url.pathname.endsWith("convert")) await new Promise((release) => (window.release = release));
  return response;
};
"""


def test_an_answer_of_another_model_is_not_explained(page):
    page.predicts("ab", "AB")
    page.driver.execute_script(HOLD)
    page.type("cab")
    page.until(lambda: page.run("Boolean(window.release)"))
    page.driver.execute_script(
        "const models = document.getElementById('model'); models.value = 'plain';"
        "models.dispatchEvent(new Event('change')); window.release()"
    )
    page.shows(".answer", "The prediction appears here while you type.")
    assert page.run("window.explained") == []
