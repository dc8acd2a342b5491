"""The job `report`: gold tables as a folder of HTML, plots and CSV files."""

from importlib.util import find_spec
from pathlib import Path

from arenalake.config import Config
from arenalake.errors import ConfigError
from arenalake.paths import local_path
from arenalake.step import Context, StepResult


def run(context: Context) -> StepResult:
    """Write the report to `report.path`, by default `<storage.root>/report`.

    The same tables, rated on the same day, give the same bytes.

    Raises:
        ConfigError: as `require_report` says.
    """
    folder = require_report(context.config)
    from arenalake.app.frames import read_frames
    from arenalake.app.pages import build_pages
    from arenalake.app.sample import sample_notice
    from arenalake.report.site import render_site, write_site

    frames = read_frames(context.lake, min_cell=context.config.report.min_cell)
    notice, title = sample_notice(context.config), context.config.report.title
    single_file = context.config.report.single_file
    files = render_site(build_pages(frames), title=title, notice=notice, single_file=single_file)
    write_site(folder, files)
    return StepResult(
        lines=[f"report: {folder}/index.html"],
        summary=[f"report: {(folder / 'index.html').absolute().as_uri()}"],
        metrics={"report_files": float(len(files))},
    )


def require_report(config: Config) -> Path:
    """Return where the report goes, having checked that it can be written there. Needs no session.

    Raises:
        ConfigError: `report.path` is needed and missing, is not a local or mounted folder, or holds something else; or
            the packages for reports are not installed.
    """
    missing = [name for name in ("jinja2", "plotly") if find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"{', '.join(missing)} is not installed; a report needs it: install this package with its `report` extra, "
            "or take report out of pipeline.jobs"
        )
    from arenalake.report.site import require_free

    folder = _report_folder(config)
    require_free(folder)
    return folder


def _report_folder(config: Config) -> Path:
    path, root = config.report.path, config.storage.local_root
    if path is None:
        if root is None:
            raise ConfigError(
                "report.path: is not set, and the tables are not in a local folder; give a local or mounted folder, "
                "such as /Volumes/<catalog>/<schema>/<volume>/report"
            )
        return root / "report"
    folder = local_path(path)
    if folder is None:
        raise ConfigError(
            f"report.path: {path} is not a local or mounted folder; write a path such as /Volumes/… or ./report"
        )
    return Path(folder)
