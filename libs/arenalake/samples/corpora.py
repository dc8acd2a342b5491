"""The generated corpora as a whole: where each part goes, when there is nothing to do, and what must not be touched."""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

from pyspark.sql import SparkSession

from arenalake.errors import CallerError
from arenalake.lake import Lake
from arenalake.samples.battles import BATTLES_DDL, BattleDesign, battle_chunk, battle_design, count_duplicates
from arenalake.samples.conversations import CONVERSATIONS_DDL, ConversationPlan, conversation_chunk
from arenalake.samples.folders import (
    BATTLES_FOLDER,
    CONVERSATIONS_FOLDER,
    LIKERT_FOLDER,
    PREFERENCES_FOLDER,
    TREES_FOLDER,
    TRUTH_FOLDER,
    folders_of_corpora,
)
from arenalake.samples.likert import LIKERT_DDL, LikertDesign, likert_chunk
from arenalake.samples.likert import MODELS as LIKERT_MODELS
from arenalake.samples.options import GenerateConfig
from arenalake.samples.preferences import (
    PREFERENCES_DDL,
    PreferenceDesign,
    describe_weights,
    preference_chunk,
    preference_design,
)
from arenalake.samples.trees import TREES_DDL, TreesDesign, tree_chunk
from arenalake.samples.truth import RATINGS_DDL, describe_design, true_ratings
from arenalake.samples.write import first_file, read_document, write_chunks, write_document, write_small

# To be raised whenever the rows or the truth of a seed change.
GENERATOR_VERSION = 2


@dataclass(frozen=True)
class Corpora:
    """What is in the folder.

    Attributes:
        written: whether this call wrote it, or found it there.
        conversations, battles, preferences: rows.
        trees: conversation trees, of several messages each.
        ratings: ratings of the study on a Likert scale.
        duplicates: battles that repeat the record before them; they are among `battles`.
        files: files per corpus folder.
    """

    written: bool
    conversations: int
    battles: int
    preferences: int
    trees: int
    duplicates: int
    ratings: int
    files: dict[str, int]


def generate_corpora(lake: Lake, config: GenerateConfig) -> Corpora:
    """Write the corpora and their truth below `config.path`, unless they are there already.

    `lmsys_chat_1m/`, `chatbot_arena/`, `likert/`, `preference_dissection/` and `oasst1/` hold parquet files in the
    formats that ingestion reads. `truth/ratings` holds the strengths and pseudo-true ratings, `truth/design` and
    `truth/likert` what else made the votes, `truth/preferences` the weights of the judges of annotated pairs,
    `truth/manifest` the settings of a finished run; `truth/begun` is written first, so that a run that was killed
    can be told from files of others.

    Raises:
        CallerError: the folder holds something else, or cannot be written.
    """
    path = config.path.rstrip("/")
    # A corpus that came with a later version does not make those of an earlier one others, unless it is asked for.
    without = {"path"} | {name for name in ("likert_prompts", "preferences", "trees") if not getattr(config, name)}
    settings: dict[str, Any] = config.model_dump(mode="json", exclude=without) | {"generator": GENERATOR_VERSION}
    plan = ConversationPlan(config.seed, config.conversations, config.uniform_models)
    design = battle_design(
        seed=config.seed,
        rows=config.battles,
        models=config.models,
        judges=config.judges,
        position_bias=config.position_bias,
    )
    study = LikertDesign(config.seed, config.likert_prompts)
    preferences = preference_design(seed=config.seed, pairs=config.preferences)
    trees = TreesDesign(config.seed, config.trees)
    chunks = {
        CONVERSATIONS_FOLDER: plan.chunks,
        BATTLES_FOLDER: design.chunks,
        LIKERT_FOLDER: study.chunks,
        PREFERENCES_FOLDER: preferences.chunks,
        TREES_FOLDER: trees.chunks,
    }
    files = {folder: min(config.files, n) for folder, n in chunks.items()}
    corpora = Corpora(
        written=False,
        conversations=plan.rows,
        battles=design.rows,
        preferences=preferences.pairs,
        trees=trees.trees,
        duplicates=count_duplicates(design.rows),
        ratings=study.rows,
        files=files,
    )
    if _is_there(lake, path, settings):
        return corpora
    spark = lake.spark
    _begin(spark, path, settings)
    _write(spark, path, config.files, plan, design, study, preferences, trees)
    write_document(spark, settings | {"fingerprint": _fingerprint(settings)}, f"{path}/{TRUTH_FOLDER}/manifest")
    return replace(corpora, written=True)


def reads_corpus(path: str, config: GenerateConfig, corpus: str) -> bool:
    """Whether a source's path is this corpus of the configuration."""
    return path.rstrip("/") == f"{config.path.rstrip('/')}/{corpus}"


def is_generated(lake: Lake, path: str) -> bool:
    """Whether a source reads what the generator made: a corpus that lies beside its truth, wherever that is."""
    return any(read_document(lake, f"{folder}/{TRUTH_FOLDER}/begun") is not None for folder in folders_of_corpora(path))


def _write(
    spark: SparkSession,
    path: str,
    files: int,
    plan: ConversationPlan,
    design: BattleDesign,
    study: LikertDesign,
    preferences: PreferenceDesign,
    trees: TreesDesign,
) -> None:
    def write_conversations() -> None:
        make = partial(conversation_chunk, plan)
        target = f"{path}/{CONVERSATIONS_FOLDER}"
        write_chunks(spark, make, CONVERSATIONS_DDL, chunks=plan.chunks, files=files, path=target)

    def write_battles() -> None:
        make = partial(battle_chunk, design)
        target = f"{path}/{BATTLES_FOLDER}"
        write_chunks(spark, make, BATTLES_DDL, chunks=design.chunks, files=files, path=target)

    def write_likert() -> None:
        make = partial(likert_chunk, study)
        write_chunks(spark, make, LIKERT_DDL, chunks=study.chunks, files=files, path=f"{path}/{LIKERT_FOLDER}")
        truth = {"strengths": LIKERT_MODELS, "raters": [asdict(rater) for rater in study.raters]}
        write_document(spark, truth, f"{path}/{TRUTH_FOLDER}/likert")

    def write_preferences() -> None:
        make = partial(preference_chunk, preferences)
        target = f"{path}/{PREFERENCES_FOLDER}"
        write_chunks(spark, make, PREFERENCES_DDL, chunks=preferences.chunks, files=files, path=target)
        write_document(spark, describe_weights(preferences), f"{path}/{TRUTH_FOLDER}/preferences")

    def write_trees() -> None:
        make = partial(tree_chunk, trees)
        write_chunks(spark, make, TREES_DDL, chunks=trees.chunks, files=files, path=f"{path}/{TREES_FOLDER}")

    def write_truth() -> None:
        write_document(spark, describe_design(design), f"{path}/{TRUTH_FOLDER}/design")
        write_small(spark.createDataFrame(true_ratings(design), RATINGS_DDL), f"{path}/{TRUTH_FOLDER}/ratings")

    writers = (
        (write_conversations, plan.rows),
        (write_battles, design.rows),
        (write_likert, study.rows),
        (write_preferences, preferences.pairs),
        (write_trees, trees.trees),
    )
    corpora = [write for write, rows in writers if rows]
    with ThreadPoolExecutor() as pool:
        for done in [pool.submit(write) for write in (*corpora, write_truth)]:
            done.result()


def _is_there(lake: Lake, path: str, settings: dict[str, Any]) -> bool:
    """Whether a finished run of these settings is there; anything else in the way is the caller's to decide."""
    remedy = "choose another generate.path, or delete that folder if you no longer need it"
    for stage, verb in (("manifest", "holds"), ("begun", "holds an unfinished run of")):
        found = read_document(lake, f"{path}/{TRUTH_FOLDER}/{stage}")
        if found is not None:
            differing = [
                f"{key}={found.get(key)!r} instead of {settings.get(key)!r}"
                for key in sorted(found.keys() | settings.keys())
                if key != "fingerprint" and found.get(key) != settings.get(key)
            ]
            if differing:
                raise CallerError(
                    f"generate.path: {path} {verb} corpora with other settings ({', '.join(differing)}); {remedy}"
                )
            return stage == "manifest"
    on_request = {"likert_prompts": LIKERT_FOLDER, "preferences": PREFERENCES_FOLDER, "trees": TREES_FOLDER}
    asked = [folder for name, folder in on_request.items() if name in settings]
    own = [CONVERSATIONS_FOLDER, BATTLES_FOLDER, TRUTH_FOLDER, *asked]
    stranger = first_file(lake.spark, f"{path}/{{{','.join(own)}}}")
    if stranger is not None:
        raise CallerError(f"generate.path: {path} holds a file that this job did not write, {stranger}; {remedy}")
    return False


def _begin(spark: SparkSession, path: str, settings: dict[str, Any]) -> None:
    try:
        write_document(spark, settings, f"{path}/{TRUTH_FOLDER}/begun")
    except Exception as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise CallerError(
            f"generate.path: {path} cannot be written ({reason}); give a folder that this job may write to"
        ) from error


def _fingerprint(settings: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
