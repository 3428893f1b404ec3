"""The playground in Chromium, opened as a file, without a network."""

import json
import re
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open

from commands import checked, run_here
from henkan.export.html.playground import build_playground
from playground_model import TARGET, Model, ids_of
from web_page import NARROW, WIDE, Page, chromium, why_no_browser

pytestmark = [pytest.mark.web, pytest.mark.skipif(why_no_browser() is not None, reason=str(why_no_browser()))]

OFFLINE = "--host-resolver-rules=MAP * ~NOTFOUND"
SMALL = "digits=2&pairs=2000&hidden=32"
TINY = "digits=1&hidden=16"
VIEWS = ["states", "answer", "gradient", "probe", "saliency"]
PANELS = {
    "states": ".strip i",
    "answer": ".map td",
    "gradient": ".panel .chart .line",
    "probe": ".scatter .sum-point",
    "saliency": ".curves .step",
}
PATIENCE = 240  # seconds after which a training run that hangs fails the test


class Playground(Page):
    """What a reader does on the playground, and sees."""

    def wait(self, condition, what=""):
        """Wait for something that takes a training run."""
        end = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < end, what
            time.sleep(0.1)

    def press(self, element):
        """Click on an element, which must not be below the bar."""
        self.driver.execute_script("arguments[0].scrollIntoView({ block: 'center' })", element)
        element.click()

    def update(self):
        """Number of updates so far."""
        found = re.search(r"[\d,]+", self.one(".status").text)
        return int(found[0].replace(",", "")) if found else 0

    def train(self, updates):
        """Train until there are as many updates, then pause."""
        self.press(self.one("#train"))
        self.wait(lambda: self.update() >= updates, "training does not go on")
        if self.one("#train").is_enabled():
            self.press(self.one("#train"))
        self.until(lambda: self.one("#train").text in ("Train", "Finished"))
        self.until(lambda: str(self.update()) in self.one(".panel-head").text.replace(",", ""))

    def view(self, number):
        self.press(self.all("#views input")[number])

    def weights(self, folder, number=0):
        """The weights that the page saves, and their settings."""
        before = set(folder.iterdir())
        self.press(self.all("#save button")[number])
        [path] = self.until(lambda: [each for each in folder.glob("*.safetensors") if each not in before])
        with safe_open(path, "numpy") as file:
            metadata = file.metadata()
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (not a dict)
        path.unlink()
        return weights, json.loads(metadata["settings"]), int(metadata["update"])

    def fits(self):
        """Whether nothing is wider than the window."""
        return self.run("document.documentElement.scrollWidth <= innerWidth")


@pytest.fixture(scope="module")
def downloads(tmp_path_factory):
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="module")
def browser(downloads):
    with chromium(downloads, "en", OFFLINE) as driver:
        driver.execute_cdp_cmd("Network.enable", {})
        yield driver


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """Address of the page, which the command has written."""
    path = tmp_path_factory.mktemp("page") / "playground.html"
    checked(run_here, ".")("play", "--out", path)
    return path.as_uri()


@pytest.fixture
def open_page(browser, url):
    """Function that opens the page. At the end, no request may have left, and the console must be empty."""
    page = Playground(browser)

    def open(query="", **options):
        page.open(f"{url}?{query}", **options)
        page.until(lambda: page.run("document.body.hasAttribute('data-ready')"))
        return page

    yield open
    assert page.errors() == []
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    urls = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    assert {each.partition(":")[0] for each in urls} <= {"file", "data", "blob"}


def test_reversed_peeky_model_learns_two_digit_sums(open_page):
    page = open_page(SMALL)
    assert page.one("#train").text == "Train"
    page.press(page.one("#train"))
    page.until(lambda: page.one("#train").text == "Pause")
    page.wait(lambda: page.one("#train").text == "Finished", "training does not end")
    loss, match = (float(each.text.rstrip(" %")) for each in page.all(".charts .value"))
    assert loss < 0.1
    assert match > 95
    marks = [each.text for each in page.all(".questions .mark")]
    assert len(marks) == 10
    page.shows(".charts figure:last-child .caption", "on 1,000 sums it has never seen; on 250 of them")
    assert marks.count("O") >= 9
    answered = [[part.text for part in each.find_elements("css selector", ".sum, .prediction")]
                for each in page.all(".question")]  # fmt: skip
    right = [sum(map(int, source.split("+"))) == int(prediction) for source, prediction in answered]
    assert [mark == "O" for mark in marks] == right


def test_training_pauses_and_starts_over(open_page):
    page = open_page(SMALL)
    page.train(20)
    at = page.update()
    time.sleep(0.5)
    assert page.update() == at
    page.press(page.one("#step"))
    page.until(lambda: page.update() == at + 1)
    page.press(page.one("#restart"))
    page.until(lambda: page.update() == 0)
    page.choose_label("Slow")
    page.press(page.one("#train"))
    page.wait(lambda: page.update() >= 2)
    assert page.update() < 20


def test_each_switch_has_its_effect(open_page, downloads):
    page = open_page(TINY)
    weights, settings, update = page.weights(downloads)
    assert (settings["reverse"], settings["peeky"], settings["attention"]) == (True, True, False)
    assert (settings["hidden_size"], update) == (16, 0)
    assert "decoder.Wc" in weights
    assert "attention.Wv" not in weights
    for name, changed in {"peeky": "decoder.Wc", "attention": "attention.Wv"}.items():
        page.press(page.one(f"#{name}-first"))
        other, settings, _ = page.weights(downloads)
        assert settings[name] == (name == "attention")
        assert (changed in other) == (name == "attention")
    read = [each.text for each in page.all(".tile")[:3]]
    page.press(page.one("#reverse-first"))
    page.until(lambda: [each.text for each in page.all(".tile")[:3]] == read[::-1])
    page.choose("#hidden-first", "32")
    page.choose("#pairs", "20")
    weights, settings, _ = page.weights(downloads)
    assert weights["encoder.lstm1.Wh"].shape == (32, 128)
    assert not settings["reverse"]
    page.type("5\n", "#seed")
    other, _, _ = page.weights(downloads)
    assert not np.array_equal(weights["encoder.E"], other["encoder.E"])


@pytest.mark.parametrize("switches", ["reverse=1&peeky=1", "reverse=0&peeky=0"])
def test_stepping_shows_the_numbers_of_numpy(open_page, downloads, switches):
    page = open_page(f"{SMALL}&{switches}&question=58%2B77")
    page.train(60)
    weights, settings, _ = page.weights(downloads)
    model = Model(weights, settings["peeky"])
    written = [TARGET.index("" if each.text == "end" else each.text) for each in page.all(".tile")[5:]]
    steps, context = model.steps(ids_of("58+77", settings["reverse"]), [0, *written[:-1]])
    before = {"h": np.zeros(32), "c": np.zeros(32)}
    for number, step in enumerate(steps):
        if number == 5:
            before = {"h": context, "c": np.zeros(32)}
        page.press(page.all(".tile")[number])
        for unit in (0, 17, 31):
            page.run(f"(() => {{ const unit = document.querySelector('.unit input'); unit.value = {unit + 1}; "
                     "unit.dispatchEvent(new Event('input')); })()")  # fmt: skip
            shown = shown_numbers(page)
            gates = page.run(f"['i', 'f', 'g', 'o'].map((name) => document.querySelector(`[data-row=${{name}}] "
                             f":nth-child({unit + 1})`).style.getPropertyValue('--v'))")  # fmt: skip
            colours = [abs(step["gates"][at * 32 + unit]) for at in range(4)]
            np.testing.assert_allclose([float(each) for each in gates], colours, atol=0.002)
            i, f, g, o = (float(step["gates"][at * 32 + unit]) for at in range(4))
            inputs = [step["fromInput"], step["fromState"]]
            if number >= 5 and settings["peeky"]:
                inputs.append(context @ model.weights["decoder.Wc"])
            expected = {
                "h0": [before["h"][unit]],
                "c0": [before["c"][unit]],
                **{name: [value, *(part[at * 32 + unit] for part in inputs)]
                   for at, (name, value) in enumerate([("i", i), ("f", f), ("g", g), ("o", o)])},
                "c": [step["c"][unit], f, before["c"][unit], i, g],
                "h": [step["h"][unit], o, step["c"][unit]],
            }  # fmt: skip
            for name, values in expected.items():
                np.testing.assert_allclose(shown[name], values, atol=0.0051, err_msg=f"{name} at step {number}")
        before = step
    logits = model.logits(steps[-1]["h"], context)
    probabilities = np.exp(logits) / np.exp(logits).sum()
    likely = page.all(".output section:first-child .likely li")
    assert likely[0].text.split()[0] == (TARGET[probabilities.argmax()] or "end")
    share = likely[0].find_element("css selector", ".number").text
    assert float(share.strip("<>%")) == pytest.approx(100 * probabilities.max(), abs=0.1)


def shown_numbers(page):
    """Name of a row -> its numbers, from left to right."""
    script = "[...document.querySelectorAll('.vector[data-name]')].map((row) => [row.dataset.name, row.innerText])"
    rows = page.run(script)
    found = {}
    for name, text in rows:
        numbers = text.splitlines()[-1].replace("− ", "−").replace("−", "-")
        found[name] = [float(each) for each in re.findall(r"-?\d+\.\d\d", numbers)]
    return found


def test_picture_and_formula_lead_to_each_other(open_page):
    page = open_page(f"{TINY}&view=states")
    page.until(lambda: page.all(".strip i"))
    point = """(() => {{
        const found = document.querySelector('{}');
        found.dispatchEvent(new PointerEvent('pointerover', {{ bubbles: true }}));
        return [...document.querySelectorAll('[data-lit]')].map((each) => each.dataset.row ?? each.dataset.term);
    }})()"""
    assert set(page.run(point.format(".vector[data-name=f] .strip"))) == {"f"}
    assert page.run("document.querySelectorAll('math [data-term=f][data-lit]').length") >= 2  # its own and that of c
    assert "c0" in page.run(point.format(".vector[data-name=c] [data-term=c0]"))
    assert page.run("document.querySelector('.strip[data-row=c0]').hasAttribute('data-lit')")
    page.run(point.format(".vector[data-name=o] .strip i:nth-child(8)"))
    page.shows(".unit output", "Unit 8 of 16")


def test_own_question(open_page):
    page = open_page(SMALL)
    page.type("7+5", "#own-question")
    page.until(lambda: [each.text for each in page.all(".tile")[:3]] == ["5", "+", "7"])
    page.type("700+5", "#own-question")
    page.shows(".question-field .error", "Write a sum of two numbers of at most 2 digits, such as 77+85.")
    assert page.one("#own-question").get_attribute("aria-invalid") == "true"
    assert [each.text for each in page.all(".tile")[:3]] == ["5", "+", "7"]
    assert float(page.run("getComputedStyle(document.querySelector('.panels')).opacity")) < 0.5
    page.type("05+ 03", "#own-question")
    page.shows(".question-field [role=status]", "Read as 5+3: without spaces or leading zeros")
    page.until(lambda: [each.text for each in page.all(".tile")[:3]] == ["3", "+", "5"])
    assert page.run("getComputedStyle(document.querySelector('.panels')).opacity") == "1"
    page.press(page.all(".question")[2])
    assert page.run("document.querySelector('.question-field [role=status]').textContent") == ""
    source = page.all(".question .sum")[2].text
    assert page.one("#own-question").get_attribute("value") == source
    page.until(lambda: "".join(each.text for each in page.all(".tile")[: len(source)]) == source[::-1])


def test_seed_that_is_none(open_page):
    page = open_page(TINY)
    page.type("x\t", "#seed")
    page.shows(".choices .error", "Give a whole number from 0 to 2,147,483,647.")
    page.type("7\t", "#seed")
    page.until(lambda: not any(each.is_displayed() and each.text for each in page.all(".choices .error")))


def test_two_models_learn_the_same_pairs_side_by_side(open_page, downloads):
    page = open_page(SMALL)
    page.press(page.one("#compare"))
    page.until(lambda: len(page.all(".panel")) == 2)
    page.train(30)
    assert len(page.all(".charts .line[data-series=a]")) == len(page.all(".charts .line[data-series=b]")) == 2
    assert all(each.get_attribute("d") for each in page.all(".charts .line"))
    assert len(page.all(".questions .given")) == 20
    settings = [page.weights(downloads, number)[1] for number in (0, 1)]
    assert [each["peeky"] for each in settings] == [True, False]
    for number, view in enumerate(VIEWS):
        page.view(number)
        page.wait(
            lambda view=view: all(each.find_elements("css selector", PANELS[view]) for each in page.all(".panel"))
        )
    page.view(0)
    page.until(lambda: len(page.all(".panel .tiles")) == 2)
    page.press(page.all(".tile")[3])  # of the first model; the second one follows
    pressed = "[...document.querySelectorAll('.panel')].map((each) => [...each.querySelectorAll('.tile')].findIndex(" \
              "(tile) => tile.ariaPressed === 'true'))"  # fmt: skip
    page.until(lambda: page.run(pressed) == [3, 3])
    page.press(page.one("#compare"))
    page.until(lambda: len(page.all(".panel")) == 1)


def channels(colour):
    """Red, green and blue of a colour as the browser computes it, from 0 to 1."""
    return [int(each) / 255 for each in re.findall(r"\d+", colour)[:3]]


def luminance(colour):
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels(colour)]
    return np.dot(linear, [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_each_model_has_its_colour_everywhere(open_page, scheme):
    page = open_page(f"{TINY}&reverse2=0&peeky2=0", scheme=scheme)
    page.until(lambda: len(page.all(".panel .strip i")) == 2 * 8 * 16)
    assert [each.text for each in page.all(".model-name")] == [
        "Reverse the source · Peeky decoder · H 16",
        "Plain · H 16",
    ]

    def colour(selector, name):
        return page.run(f"getComputedStyle(document.querySelector('{selector}')).{name}")

    models = {}
    for series in "ab":
        badge = f".setting .badge[data-series={series}]"
        ground, letter = colour(badge, "backgroundColor"), colour(badge, "color")
        light, dark = sorted([luminance(ground), luminance(letter)], reverse=True)
        assert (light + 0.05) / (dark + 0.05) > 4.5
        models[series] = ground
    assert models["a"] != models["b"]
    for view, mark, name in [
        (0, ".tile[aria-pressed=true]", "backgroundColor"),
        (2, ".line[data-series=own]", "stroke"),
    ]:
        page.view(view)
        page.wait(lambda mark=mark: len(page.all(f".panel {mark}")) == 2)
        assert {each: colour(f".panel[data-series={each}] {mark}", name) for each in "ab"} == models
    page.view(3)
    page.wait(lambda: len({each.get_attribute("d") for each in page.all(".panel .scatter path")}) > 2)
    plain = [colour(f".panel[data-series={each}] path.sum-point", "stroke") for each in "ab"]
    assert plain[0] == plain[1]  # "no carry" is a cross, and has no model's colour
    assert plain[0] not in models.values()


def test_reading_order_is_written_above_the_symbols(open_page):
    page = open_page(f"{SMALL}&reverse2=0")
    page.until(lambda: len(page.all(".tile-group .label")) == 4)
    labels = [each.text for each in page.all(".tile-group .label")]
    assert labels[0] == "Encoder reads 77+85 from right to left"
    assert labels[2] == "Encoder reads 77+85 from left to right"


def test_second_model_starts_beside_the_first_and_both_pause_at_one_update(open_page):
    page = open_page(SMALL)
    page.train(40)
    at = page.update()
    page.press(page.one("#compare"))
    page.until(lambda: len(page.all(".panel-head")) == 2)
    updates = "[...document.querySelectorAll('.panel-head')].map((each) => Number(each.dataset.update))"
    page.until(lambda: page.run(updates) == [at, 0])
    page.press(page.one("#train"))
    page.wait(lambda: page.update() > 20)
    page.press(page.one("#train"))
    page.wait(lambda: page.one("#train").text == "Train" and len(set(page.run(updates))) == 1, "they do not catch up")
    assert page.run(updates)[0] > at


def test_experiments_set_train_pause_and_open_a_view(open_page):
    page = open_page(TINY)
    page.press(page.all(".experiment")[0])
    page.wait(lambda: page.update() == 200 and page.one("#train").text == "Train", "training does not pause")
    page.until(lambda: page.all(".panel .map td[data-true]"))
    assert page.run("document.querySelector('#hidden-first').value") == "64"
    page.press(page.all(".experiment")[3])
    page.until(lambda: page.update() == 0 and page.all(".panel .line[data-series=other]"))
    assert not page.run("document.querySelector('#peeky-first').checked")
    page.press(page.all(".experiment")[1])
    page.until(lambda: len(page.all(".panel .scatter")) == 2)
    page.wait(lambda: page.update() > 0)
    assert [each.text for each in page.all(".model-name")] == [
        "Reverse the source · Peeky decoder · H 64", "Reverse the source · H 64"]  # fmt: skip


@pytest.mark.parametrize("width", [360, 500])
def test_only_the_buttons_stay_in_reach_on_a_narrow_page(open_page, width):
    page = open_page(TINY, width=width)
    page.until(lambda: page.all(".strip i"))
    page.run("document.querySelector('#inside').scrollIntoView()")
    edges = "[document.querySelector('.speeds').getBoundingClientRect().bottom, " \
            "document.querySelector('#train').getBoundingClientRect().top]"  # fmt: skip
    page.until(lambda: page.run(edges)[0] <= 0 <= page.run(edges)[1])


@pytest.mark.parametrize("width", [1280, 1400])
def test_numbers_stay_in_their_column(open_page, width):
    page = open_page(SMALL, width=width)
    page.until(lambda: page.all(".strip i"))
    page.run("document.querySelectorAll('.row-numbers').forEach((each) => "
             "each.textContent = '−1.00 = 0.99 · (−0.98) + 0.97 · (−0.96)')")  # fmt: skip
    inside = "[...document.querySelectorAll('.row-numbers')].every((each) => each.scrollWidth <= each.clientWidth + 1)"
    assert page.run(inside)
    assert (
        page.run("new Set([...document.querySelectorAll('.row-numbers')].map((each) => each.offsetHeight)).size") == 1
    )


def test_influence_names_the_places_of_digits(open_page):
    page = open_page(f"{SMALL}&view=saliency&question=77%2B85")
    page.until(lambda: page.all(".curves .step"))
    page.press(page.all(".curves .step")[0])
    page.shows(".readout", "depends most on")
    said = page.one(".readout p").text
    digits = ["7 (tens of the first number)", "7 (units of the first number)", "8 (tens of the second number)",
              "5 (units of the second number)"]  # fmt: skip
    assert any(each in said for each in digits)
    assert not re.search(r"\d \(\d", said)


def test_probe_shows_the_untrained_network(open_page):
    page = open_page(f"{SMALL}&view=probe")

    def lines():
        return [page.one(f".panel .line[data-series={each}]").get_attribute("d") for each in ("own", "other")]

    page.until(lambda: page.all(".sum-point"))
    own, before = lines()
    assert own == before
    page.train(100)
    page.wait(lambda: lines()[0] != own)
    assert lines()[1] == before


def test_probe_follows_the_selected_step_and_place(open_page):
    page = open_page(f"{SMALL}&view=probe")
    page.until(lambda: page.all(".sum-point"))
    page.shows(".projection h3", "reads a₁")
    points = page.run("document.querySelector('.scatter').innerHTML")
    page.press(page.all(".step-axis button")[0])
    page.shows(".projection h3", "reads b₂")
    page.until(lambda: page.run("document.querySelector('.scatter').innerHTML") != points)
    page.choose_label("tens")
    page.until(lambda: page.run("document.querySelector('.view-choice input[value=\"1\"]').checked"))


@pytest.mark.parametrize("view", VIEWS)
def test_each_view_alone(open_page, view):
    page = open_page(f"{TINY}&view={view}", width=700)
    page.until(lambda: page.all(PANELS[view]))
    assert page.one("#train").is_displayed()
    assert not page.run("document.querySelector('#train-section').checkVisibility()")
    assert not page.run("document.querySelector('h1').checkVisibility()")
    assert page.fits()


def test_training_alone(open_page):
    page = open_page(f"{TINY}&view=training&play=1")
    page.wait(lambda: page.update() > 5)
    assert page.one(".charts").is_displayed()
    assert not page.run("document.querySelector('#inside').checkVisibility()")


@pytest.mark.parametrize("width", [NARROW, WIDE])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "ja"])
def test_languages_widths_and_themes(open_page, language, width, scheme):
    page = open_page(f"digits=3&pairs=5000&hidden=128&attention=1&peeky2=0&lang={language}", width=width, scheme=scheme)
    page.until(lambda: page.all(".strip i"))
    assert page.run("document.documentElement.lang") == language
    assert page.one("h1").text == {"en": "A network learns to add", "ja": "足し算を学ぶネットワーク"}[language]
    paper = page.run("getComputedStyle(document.body).backgroundColor")
    assert (int(re.search(r"\d+", paper)[0]) > 128) == (scheme == "light")
    for number, view in enumerate(VIEWS):
        page.view(number)
        page.wait(lambda view=view: len(page.all(PANELS[view])) > 1)
        assert page.fits(), view
    if language == "ja":
        english = re.findall(r"[A-Za-z]{4,}", page.run("document.querySelector('main').innerText"))
        assert set(english) <= {"Attention", "Encoder", "Decoder", "Peeky", "tanh", "softmax", "context"}


def test_language_of_the_browser_and_choice(open_page):
    page = open_page(TINY)
    assert page.run("document.documentElement.lang") == "en"
    page.choose("#language", "ja")
    page.shows("h1", "足し算")
    page.shows("#train", "学習する")
    page.driver.refresh()
    page.shows("h1", "足し算")


def test_keyboard_and_names(open_page):
    from selenium.webdriver.common.keys import Keys

    page = open_page(f"{SMALL}&peeky2=0")
    page.until(lambda: len(page.all(".strip i")) > 0)
    page.run("document.querySelector('.tile').focus()")
    page.driver.switch_to.active_element.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    page.shows(".says", "step 3 of 5")
    for number in range(len(VIEWS)):
        page.view(number)
        drawn = PANELS[VIEWS[number]]
        page.wait(lambda drawn=drawn: all(each.find_elements("css selector", drawn) for each in page.all(".panel")))
        nameless = """[...document.querySelectorAll("button, input, select, [role=img]")].filter((each) =>
            each.checkVisibility() && !(each.ariaLabel || each.innerText || each.title || each.labels?.length))
            .map((each) => each.outerHTML)"""
        assert page.run(nameless) == []


def test_page_of_the_documentation_links_to_its_chapters(browser, tmp_path):
    path = tmp_path / "playground.html"
    path.write_bytes(build_playground(docs="../"))
    page = Playground(browser)
    page.open(f"{path.as_uri()}?{TINY}")
    page.until(lambda: page.all(".panel-head"))
    links = page.run("[...document.querySelectorAll('a.chapter')].map((each) => each.getAttribute('href'))")
    assert {"../en/3-lstm.html", "../en/5-learning.html", "../en/7-peeking.html", "../en/8-attention.html"} <= set(
        links
    )
    for number in range(len(VIEWS)):
        page.view(number)
        links += page.run("[...document.querySelectorAll('a.chapter')].map((each) => each.getAttribute('href'))")
    root = Path(__file__).parents[2] / "docs"
    assert all((root / link.removeprefix("../")).with_suffix(".md").exists() for link in links)
    page.choose("#language", "ja")
    page.until(lambda: page.run("document.querySelector('a.chapter').getAttribute('href')").startswith("../ja/"))


def test_page_names_chapters_without_the_documentation(open_page):
    page = open_page(TINY)
    page.shows(".inside-view .chapters", "Chapter 3 of the documentation: One LSTM step")
    assert page.all("a.chapter") == []


def test_embedded_view_tells_its_height(browser, url, tmp_path):
    script = (Path(__file__).parents[2] / "docs" / "building" / "static" / "playground.js").read_text(encoding="utf-8")
    frame = (
        f'<figure class="playground"><iframe src="{url}?{TINY}&view=states" width="800" height="100"></iframe></figure>'
    )
    path = tmp_path / "chapter.html"
    path.write_text(f"<!doctype html><script>{script}</script>{frame}")
    page = Playground(browser)
    page.open(path.as_uri())
    browser.switch_to.frame(page.one("iframe"))
    page.until(lambda: page.all(".strip i"))
    height = page.run("document.body.scrollHeight")
    browser.switch_to.default_content()
    assert height > 500
    page.until(lambda: int(page.one("iframe").get_attribute("height")) >= height)
