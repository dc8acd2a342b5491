"""The command `arenalake`. Each subcommand imports what it needs, so that `--help` and `rate` start no Spark."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from arenalake import __version__
from arenalake.errors import ArenalakeError, CallerError
from arenalake.jobs import JOBS
from arenalake.labels import clean_labels

# What `init` writes, and what the others read where nobody names a file.
CONFIG = "arenalake.yml"
# Packages that the wheel alone does not bring, and the extra that does.
_EXTRAS = {"pyspark": "local", "plotly": "report", "jinja2": "report"}
_CONFIG = click.option("--config", default=CONFIG, show_default=True, metavar="FILE", help="YAML configuration.")
_SET = click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a dotted key; may be repeated."
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command. Exit status: 0 done, 2 a mistake in the call, told in one line, 1 anything else."""
    try:
        cli.main(arguments, prog_name="arenalake", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help() if error.ctx else error.format_message(), err=True)
        sys.exit(2)
    except click.Abort:
        click.echo("arenalake: stopped", err=True)
        sys.exit(1)
    except click.ClickException as error:
        click.echo(f"arenalake: {' '.join(error.format_message().split())}", err=True)
        sys.exit(error.exit_code)
    except ModuleNotFoundError as error:
        if error.name not in _EXTRAS:
            raise
        click.echo(f"arenalake: {error.name} is missing; pip install 'arenalake[{_EXTRAS[error.name]}]'", err=True)
        sys.exit(2)
    except ArenalakeError as error:
        click.echo(f"arenalake: {error}", err=True)
        sys.exit(error.exit_status)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(__version__, prog_name="arenalake")
def cli() -> None:
    """Statistics of conversations with language models and of votes on them.

    \b
    Examples:
      arenalake rate votes.csv --model-a left --model-b right --label left=model_a --label right=model_b
      arenalake init votes.csv && arenalake run

    docs/command.md describes each command, docs/configuration.md every key of a configuration.
    """


@cli.command()
@click.argument("votes", type=click.Path())
@click.option("--model-a", default="model_a", show_default=True, metavar="COLUMN", help="Model shown first.")
@click.option("--model-b", default="model_b", show_default=True, metavar="COLUMN", help="Model shown second.")
@click.option("--winner", default="winner", show_default=True, metavar="COLUMN", help="Outcome of the vote.")
@click.option(
    "--label",
    "labels",
    multiple=True,
    metavar="LABEL=OUTCOME",
    help="Outcome of a label in the column --winner: model_a, model_b, tie or 'tie (bothbad)'. May be repeated. Labels "
    "of the published data sets need no option.",
)
@click.option("--method", "methods", multiple=True, metavar="NAME", help="Default: bradley_terry. May be repeated.")
@click.option("--by", multiple=True, metavar="COLUMN", help="Also rate the votes of each value of COLUMN separately.")
@click.option("--judge", metavar="COLUMN", help="Judge of the vote; resample whole judges instead of single votes.")
@click.option("--rounds", default=1000, show_default=True, help="Bootstrap rounds.")
@click.option("--seed", default=0, show_default=True, help="Seed of the bootstrap.")
@click.option("--min-battles", default=500, show_default=True, help="Minimum number of votes of a slice.")
@click.option("--top", type=click.IntRange(min=1), help="Number of models to show per leaderboard. Default: all.")
@click.option("--output", metavar="FILE", help="Write all ratings, including slices, to .csv, .jsonl or .parquet.")
def rate(
    votes: str,
    model_a: str,
    model_b: str,
    winner: str,
    labels: Sequence[str],
    methods: Sequence[str],
    by: Sequence[str],
    judge: str | None,
    rounds: int,
    seed: int,
    min_battles: int,
    top: int | None,
    output: str | None,
) -> None:
    """Rate models from a file of votes: CSV, JSON Lines or parquet. Needs neither Spark nor a configuration.

    \b
    Examples:
      arenalake rate votes.csv --model-a left --model-b right --label left=model_a --label right=model_b
      arenalake rate votes.parquet --method bradley_terry --method elo --by language --output ratings.csv

    The Python function arenalake.rate does the same; docs/command.md describes both.
    """
    from polars.exceptions import PolarsError

    from arenalake.api import rate as rate_table
    from arenalake.api.files import scan_votes, unreadable, write_frame
    from arenalake.samples.folders import SAYS_NOTHING, has_truth_here

    told = [label.rpartition("=") for label in labels]
    for label, (text, equals, outcome) in zip(labels, told, strict=True):
        if not (text and equals and outcome):
            raise CallerError(f"--label {label}: write it as LABEL=OUTCOME, for example left=model_a")
    try:
        outcomes = clean_labels((text, outcome) for text, _, outcome in told)
    except ValueError as error:
        raise CallerError(f"--label: {error}") from None
    try:
        found = rate_table(
            scan_votes(votes),
            model_a=model_a,
            model_b=model_b,
            winner=winner,
            labels=outcomes,
            method=methods or "bradley_terry",
            rounds=rounds,
            seed=seed,
            judge=judge,
            by=by,
            min_battles=min_battles,
        )
    except PolarsError as error:
        raise unreadable(votes, error) from None
    if has_truth_here(str(Path(votes).absolute())):
        click.echo(f"Sample data: these votes are generated. {SAYS_NOTHING}\n")
    click.echo(found.text(top=top))
    if output:
        write_frame(found.ratings, output)


@cli.command()
@_CONFIG
@_SET
@click.argument("jobs", nargs=-1, metavar="[JOB]...")
def run(config: str, overrides: Sequence[str], jobs: Sequence[str]) -> None:
    """Run the named jobs, or those of `pipeline.jobs`, in one session. A job starts when its input is ready.

    \b
    Examples:
      arenalake run
      arenalake run --config conf/local.yml --set bootstrap.rounds=200 ratings report

    `arenalake jobs` lists the jobs.
    """
    from arenalake.app.runner import run_configured
    from arenalake.hints import did_you_mean

    for job in jobs:
        if job not in JOBS:
            raise CallerError(f"{job}: no such job{did_you_mean(job, JOBS)}; known: {', '.join(JOBS)}")
    run_configured(config, overrides, jobs, named=bool(jobs))


@cli.command()
def jobs() -> None:
    """List the jobs: what each reads and writes.

    Example: arenalake jobs
    """
    for name, job in JOBS.items():
        click.echo(f"{name}{'' if job.usual else ' (only if named)'}")
        click.echo(f"  reads   {job.reads}")
        click.echo(f"  writes  {', '.join(job.writes) or job.instead}")


@cli.group()
def config() -> None:
    """Show or check a configuration.

    \b
    Examples:
      arenalake config check --config conf/local.yml
      arenalake config show --set ratings.methods=[elo]
    """


@config.command()
@_CONFIG
@_SET
def show(config: str, overrides: Sequence[str]) -> None:
    """Print the whole configuration as YAML, with every default.

    Example: arenalake config show --config conf/local.yml
    """
    import yaml

    from arenalake.config import load_config

    tree = load_config(config, overrides).model_dump(mode="json", by_alias=True)
    click.echo(yaml.safe_dump(tree, sort_keys=False, allow_unicode=True), nl=False)


@config.command()
@_CONFIG
@_SET
def check(config: str, overrides: Sequence[str]) -> None:
    """Check a configuration: its files, mapped columns, tokenizers, output paths, and Java. Starts no Spark.

    Prints one line per problem.

    Example: arenalake config check --config conf/local.yml
    """
    from arenalake.app.checks import find_problems
    from arenalake.config import load_config

    loaded = load_config(config, overrides)
    problems = find_problems(loaded, loaded.pipeline.jobs)
    for problem in problems:
        click.echo(f"arenalake: {problem}", err=True)
    if problems:
        sys.exit(min(problem.exit_status for problem in problems))
    click.echo(f"{config}: no problems found")


@cli.command()
@click.argument("path", type=click.Path())
@click.option("--output", default=CONFIG, show_default=True, metavar="FILE", help="File to write the configuration to.")
@click.option("--name", help="Name of the source in the tables. Default: the name of the format, such as votes.")
@click.option("--force", is_flag=True, help="Replace an existing file.")
def init(path: str, output: str, name: str | None, force: bool) -> None:
    """Write a commented configuration for a file of votes or a published data set, guessed from its columns.

    \b
    Examples:
      arenalake init votes.csv
      arenalake init data/chatbot_arena.parquet --name arena --output arena.yml
    """
    from arenalake.app.starter import write_starter

    for line in write_starter(Path(path), Path(output), name=name, replace=force):
        click.echo(line)


if __name__ == "__main__":
    main()
