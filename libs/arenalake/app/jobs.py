"""How a choice of jobs runs in one session."""

import importlib
import logging
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from graphlib import TopologicalSorter

from arenalake.jobs import JOBS
from arenalake.step import Context, StepResult

log = logging.getLogger(__name__)

# Planning and committing one job's small tables leaves most of a machine idle.
_AT_ONCE = 4

Step = Callable[[Context], StepResult]


def step_of(job: str) -> Step:
    """The function of a job, imported when it is needed: `ratings` does not load a tokenizer."""
    module = importlib.import_module(JOBS[job].module)
    step: Step = module.run
    return step


def run_when_ready(jobs: Iterable[str], run: Callable[[str], None]) -> None:
    """Call `run` for each job as soon as those of `jobs` that it waits for, even by way of others, are done.

    After a failure no further job is started; what is under way is finished, and the first failure is raised.
    """
    wanted = set(jobs)
    chosen = [job for job in JOBS if job in wanted]
    graph = TopologicalSorter({job: [other for other in chosen if other in _ancestors(job)] for job in chosen})
    graph.prepare()
    running: dict[Future[None], str] = {}
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="job") as pool:
        try:
            while graph.is_active():
                running |= {pool.submit(run, job): job for job in graph.get_ready()}
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    job = running.pop(future)
                    future.result()
                    graph.done(job)
        finally:
            pool.shutdown(cancel_futures=True)
            for future, job in running.items():
                if not future.cancelled() and (error := future.exception()):
                    log.error("failed too", extra={"job": job, "reason": str(error)})


def _ancestors(job: str) -> set[str]:
    return {older for parent in JOBS[job].after for older in (parent, *_ancestors(parent))}
