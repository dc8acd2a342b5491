"""Pages to files: HTML from templates, CSV beside it, and a folder that is swapped in whole."""

import csv
import io
import json
import math
import os
import re
import shutil
import tempfile
from base64 import b64encode
from collections.abc import Mapping, Sequence
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from arenalake import __version__
from arenalake.errors import ConfigError
from arenalake.report.parts import Link, Page, rows_of

# A folder with this file is ours to replace.
MARKER = ".arenalake-report"
_INFINITE = (math.inf, -math.inf)
# A spreadsheet may run a cell that starts with one of these.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def render_site(
    pages: Sequence[Page], *, title: str = "arenalake", notice: str = "", single_file: bool = False
) -> dict[str, bytes]:
    """The files of the report by path. The same pages give the same bytes.

    Args:
        title: what the report is called.
        notice: what every page says above all else, such as that the data are a sample.
        single_file: also give `report.html`, which holds all pages and tables and needs no other file.

    Raises:
        ValueError: two different tables ask for the same CSV file.
    """
    environment = Environment(
        loader=PackageLoader("arenalake.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["json_in_html"] = json_in_html
    template = environment.get_template("page.html")
    nav = [Link(page.nav, page.file) for page in pages if page.nav]
    said = {"site_title": title, "notice": notice, "version": __version__, "nav": nav}
    # The whole of plotly.js: no package that pip installs brings the smaller bundle with heat maps.
    files: dict[str, bytes] = {"plotly.min.js": get_plotlyjs().encode("utf-8"), MARKER: b""}
    for name in ("report.css", "report.js"):
        files[name] = resources.files("arenalake.report").joinpath("templates", name).read_bytes()
    for page in pages:
        files[page.file] = template.render(page=page, place=str, prefix="", **said).encode("utf-8")
        for table in (table for section in page.sections for table in section.all_tables()):
            path, content = f"csv/{table.csv}.csv", csv_bytes(table.frame)
            if files.setdefault(path, content) != content:
                raise ValueError(f"two tables of the report are called {path}")
            files[f"json/{table.csv}.json"] = json_bytes(table.frame)
    if single_file:
        files["report.html"] = _single_file(environment, pages, files, said)
    return files


def _single_file(
    environment: Environment, pages: Sequence[Page], files: Mapping[str, bytes], said: Mapping[str, Any]
) -> bytes:
    """All pages in one document, of which the script shows one at a time; tables are links that hold their data."""
    show_page = environment.from_string('{% from "parts.html" import show_page with context %}{{ show_page(page) }}')

    def html_of(page: Page) -> Markup:
        place = partial(_place_in_file, page, files)
        return Markup(show_page.render(page=page, place=place, prefix=f"{page.file}/", notice=said["notice"]))

    scripts = [Markup(_script_in_html(files[name].decode("utf-8"))) for name in ("plotly.min.js", "report.js")]
    shown = [{"file": page.file, "html": html_of(page)} for page in pages]
    style = Markup(files["report.css"].decode("utf-8"))
    single = environment.get_template("single.html")
    return single.render(pages=shown, style=style, scripts=scripts, place="#{}".format, **said).encode()


def _place_in_file(page: Page, files: Mapping[str, bytes], href: str) -> str:
    """Where a link of a page leads within the one file. A page has its own name as id, and so have its sections."""
    if href.startswith("#"):
        return f"#{page.file}" if href == "#main" else f"#{page.file}/{href[1:]}"
    path, _, state = href.partition("#")
    if path.startswith(("csv/", "json/")):
        kind = "text/csv" if path.startswith("csv/") else "application/json"
        return f"data:{kind};charset=utf-8;base64,{b64encode(files[path]).decode('ascii')}"
    return href if path not in files else f"#{path}&{state}" if state else f"#{path}"


def _script_in_html(text: str) -> str:
    # In strings and patterns, where alone they can stand, both mean the same with a backslash.
    return re.sub("<(/script|!--)", r"<\\\1", text, flags=re.IGNORECASE)


def csv_bytes(frame: pd.DataFrame) -> bytes:
    """A frame as CSV (UTF-8, no byte order mark): text in quotes, numbers with all their digits, nulls empty.

    Text that a spreadsheet would take for a formula gets an apostrophe in front; numbers are left as they are.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    writer.writerow(list(frame.columns))
    for row in rows_of(frame):
        writer.writerow([_csv_value(value) for value in row.values()])
    return buffer.getvalue().encode("utf-8")


def json_bytes(frame: pd.DataFrame) -> bytes:
    """A frame as a JSON list of objects, one a row, with all digits and null where there is nothing."""
    # JSON has no infinity.
    rows = [{name: None if value in _INFINITE else value for name, value in row.items()} for row in rows_of(frame)]
    return json.dumps(rows, ensure_ascii=False, indent=0, allow_nan=False, default=_json_value).encode("utf-8")


def _json_value(value: Any) -> Any:
    # Numbers of NumPy know how to become those of Python; dates are text.
    return value.item() if hasattr(value, "item") else str(value)


def _csv_value(value: Any) -> Any:
    if isinstance(value, str):
        return "'" + value if value.startswith(_FORMULA_STARTS) else value
    if isinstance(value, bool):
        return str(value).lower()
    return value if value is None or isinstance(value, int | float) else str(value)


def json_in_html(value: Any) -> Markup:
    """JSON that can stand inside a script element: nothing in it can end the element or open a comment."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, allow_nan=False, separators=(",", ":"))
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)


def require_free(folder: Path) -> None:
    """Check that a folder is new, empty or a report.

    Raises:
        ConfigError: it holds something else.
    """
    if folder.exists() and not (folder / MARKER).exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(f"report.path: {folder} holds files that are not a report; give a new or empty folder")


def write_site(folder: Path, files: Mapping[str, bytes]) -> None:
    """Put a folder in place whole: it is built beside its final place and then renamed.

    Raises:
        ConfigError: the place is taken by something that is not a report, or cannot be written to.
    """
    require_free(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise ConfigError(f"report.path: {folder} cannot be written ({error.strerror}); give another folder") from None
    try:
        new, old = beside / "new", beside / "old"
        for name, content in files.items():
            path = new / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        if folder.exists():
            os.rename(folder, old)
        os.rename(new, folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
