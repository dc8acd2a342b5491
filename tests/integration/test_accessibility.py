"""Pages of a report in a browser: an accessibility checker finds nothing, and no page is wider than a phone."""

import os
import shutil

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright
from same_tables import JOBS, ROOT, as_arguments, configuration, corpus_settings

from arenalake.app.runner import run_steps
from arenalake.config import load_config

STUDIES = {"likert": "likert", "pairs": "preference_dissection", "oasst": "oasst1"}
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}


@pytest.fixture(scope="module")
def browser():
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        pytest.skip("there is no Chromium on this machine")
    with sync_playwright() as playwright:
        # Its sandbox does not start as root.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        opened = playwright.chromium.launch(executable_path=path, args=arguments)
        yield opened
        opened.close()


@pytest.fixture(scope="module", params=["corpora", "studies"])
def pages(request, spark, tmp_path_factory):
    """Pages of both corpora, a leaderboard per slice and method, or of the studies; with small cells hidden."""
    root = tmp_path_factory.mktemp("pages")
    places = {"storage.root": root / "lake", "report.path": root / "report"}
    if request.param == "corpora":
        settings = corpus_settings(request.getfixturevalue("raw"))
        run_steps(configuration({**settings, **places}), [*JOBS, "report"])
    else:
        sizes = {"generate.likert_prompts": 10, "generate.preferences": 120, "generate.trees": 60}
        places |= {"generate.path": root / "raw", "mlflow.enabled": "false", "report.single_file": "true"}
        places |= {f"sources.{name}.path": root / "raw" / folder for name, folder in STUDIES.items()}
        config = load_config(ROOT / "conf/studies.yml", as_arguments({**sizes, **places})[1::2])
        run_steps(config, [*config.pipeline.jobs, "report"])
    found = sorted((root / "report").glob("*.html"))
    assert len(found) > {"corpora": 8, "studies": 5}[request.param], found
    return found


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_pages_are_accessible_and_no_wider_than_the_screen(browser, pages, size, theme):
    faults = {}
    for file in pages:
        told = []
        with browser.new_page(viewport=size, color_scheme=theme) as page:
            page.on("pageerror", lambda error, told=told: told.append(str(error)))
            page.goto(file.as_uri())
            found = Axe().run(page).response["violations"]
            told += [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found]
            if page.evaluate("document.documentElement.scrollWidth") > size["width"]:
                told.append("wider than the screen")
        if told:
            faults[file.name] = told
    assert not faults
