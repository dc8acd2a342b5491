"""The job `report`: gold tables as a folder of HTML, plots and CSV files."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from arenalake.config import Config
from arenalake.errors import ConfigError
from arenalake.paths import local_path
from arenalake.step import Context, StepResult

if TYPE_CHECKING:  # needs the packages of the extra `report`
    from arenalake.report.bucket import Bucket


def run(context: Context) -> StepResult:
    """Write the report to `report.path`, by default `<storage.root>/report`.

    The same tables, rated on the same day, give the same bytes.

    In a folder it takes the place of the earlier one at once, in a bucket file by file.

    Raises:
        ConfigError: as `require_report` says.
    """
    place = require_report(context.config)
    from arenalake.app.frames import read_frames
    from arenalake.app.pages import build_pages
    from arenalake.app.sample import sample_notice
    from arenalake.report.facts import read_facts
    from arenalake.report.site import render_site, write_site

    frames = read_frames(context.lake, min_cell=context.config.report.min_cell)
    if context.config.report.models is not None:
        frames.model_facts = read_facts(context.config.report.models)
    notice, title = sample_notice(context.config), context.config.report.title
    single_file = context.config.report.single_file
    files = render_site(build_pages(frames), title=title, notice=notice, single_file=single_file)
    if isinstance(place, Path):
        write_site(place, files)
        page, address = f"{place}/index.html", (place / "index.html").absolute().as_uri()
    else:
        place.write(files)
        page = address = f"{place.url}/index.html"
    return StepResult(
        lines=[f"report: {page}"],
        summary=[f"report: {address}"],
        metrics={"report_files": float(len(files))},
    )


def require_report(config: Config) -> "Path | Bucket":
    """Return where the report goes, having checked that it can be written there. Needs no session.

    Raises:
        ConfigError: `report.path` is needed and missing, is neither a local or mounted folder nor a bucket, or holds
            something else; the facts of `report.models` cannot be read; or the packages for reports are not
            installed.
    """
    missing = [name for name in ("jinja2", "plotly") if find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"{', '.join(missing)} is not installed, and a report needs it; install this package with its `report` "
            "extra, or remove report from pipeline.jobs"
        )
    from arenalake.report.bucket import BUCKETS, Bucket, is_bucket
    from arenalake.report.facts import read_facts
    from arenalake.report.site import require_free

    if config.report.models is not None:
        read_facts(config.report.models)
    path, root = config.report.path, config.storage.root
    if path is None and (root is None or (local_path(root) is None and not is_bucket(root))):
        raise ConfigError(
            "report.path: is not set, and the tables are neither in a local folder nor in a bucket; give a local or "
            "mounted folder, such as /Volumes/<catalog>/<schema>/<volume>/report"
        )
    chosen = path if path is not None else f"{str(root).rstrip('/')}/report"
    folder = local_path(chosen)
    if folder is not None:
        require_free(Path(folder))
        return Path(folder)
    if not is_bucket(chosen):
        raise ConfigError(
            f"report.path: {chosen} is neither a local or mounted folder nor a bucket ({BUCKETS}); write a path such "
            "as /Volumes/… or ./report"
        )
    bucket = Bucket.at(chosen)
    bucket.require_free()
    return bucket
