from settings_page import PAGE, settings_page


def test_settings_page_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == settings_page(), "run `make settings`"
