"""The generated rows, chunk by chunk and without Spark: published shape, and votes that follow the stated truth."""

import json
from collections import Counter
from importlib.resources import files

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import sentencepiece
from langdetect import DetectorFactory, detect
from scipy.stats import binom, chi2

from arenalake.samples import battles, conversations
from arenalake.samples.battles import battle_chunk, battle_design
from arenalake.samples.conversations import ConversationPlan, conversation_chunk
from arenalake.samples.languages import LANGUAGES
from arenalake.samples.models import CHAT_MODELS
from arenalake.samples.moderation import CATEGORY_SETS
from arenalake.samples.text import compose_texts
from arenalake.samples.truth import describe_design, true_ratings
from arenalake.samples.vocabulary import SCRIPT_INDEX, SCRIPTS

CHUNKS = 24
BATTLES = 40 * battles.CHUNK_ROWS


@pytest.fixture(scope="module", params=[0, 1, 2**62])
def corpus(request):
    """Six thousand conversations of a seed."""
    plan = ConversationPlan(request.param, CHUNKS * conversations.CHUNK_ROWS)
    return pa.Table.from_batches([conversation_chunk(plan, chunk) for chunk in range(plan.chunks)]).combine_chunks()


@pytest.fixture(scope="module")
def design():
    return battle_design(seed=3, rows=BATTLES, models=20)


@pytest.fixture(scope="module")
def truth(design):
    """Ratings by slice, method and model."""
    return {(name, method, model): rating for name, method, model, rating in true_ratings(design)}


@pytest.fixture(scope="module")
def votes(design):
    """Ten thousand battles."""
    return pa.Table.from_batches([battle_chunk(design, chunk) for chunk in range(design.chunks)]).combine_chunks()


def is_plausible(hits: int, draws: int, share: float) -> bool:
    """Whether a count could come from a binomial law: neither tail is rarer than one in ten million."""
    return min(binom.cdf(hits, draws, share), binom.sf(hits - 1, draws, share)) > 1e-7


def flatten(column: pa.ChunkedArray) -> pa.Array:
    return pc.list_flatten(column.combine_chunks())


def test_a_row_depends_on_seed_and_number_only():
    small, large = ConversationPlan(5, 300), ConversationPlan(5, 100_000)
    assert conversation_chunk(small, 1).equals(conversation_chunk(large, 1).slice(0, 50))
    assert conversation_chunk(large, 1).equals(conversation_chunk(large, 1))
    assert not conversation_chunk(large, 0).equals(conversation_chunk(large, 1))
    assert not conversation_chunk(ConversationPlan(6, 300), 0).equals(conversation_chunk(small, 0))


def test_a_battle_depends_on_seed_and_number_only():
    small = battle_design(seed=5, rows=300, models=20, judges=70)
    large = battle_design(seed=5, rows=100_000, models=20, judges=70)
    assert battle_chunk(small, 1).equals(battle_chunk(large, 1).slice(0, 50))
    other = battle_design(seed=6, rows=300, models=20, judges=70)
    assert not battle_chunk(other, 0).equals(battle_chunk(small, 0))


def test_conversation_ids_are_unique_and_messages_alternate(corpus):
    assert len(pc.unique(corpus["conversation_id"])) == corpus.num_rows
    turns = corpus["turn"].to_numpy()
    lengths = pc.list_value_length(corpus["conversation"]).to_numpy()
    assert (lengths == 2 * turns).all()
    assert (pc.list_value_length(corpus["openai_moderation"]).to_numpy() == lengths).all()
    roles = flatten(corpus["conversation"]).field("role").to_numpy(zero_copy_only=False)
    assert (roles[0::2] == "user").all()
    assert (roles[1::2] == "assistant").all()


def test_models_languages_and_turns_have_the_published_shares(corpus):
    n = corpus.num_rows
    models = Counter(corpus["model"].to_pylist())
    assert is_plausible(models["vicuna-13b"], n, 0.490712)
    assert is_plausible(models["gpt-4"], n, 0.007304)
    assert is_plausible(models["claude-2"], n, 0.002241)
    languages = Counter(corpus["language"].to_pylist())
    assert languages.most_common(1)[0][0] == "English"
    assert is_plausible(languages["English"], n, 0.77)
    assert is_plausible(languages["Portuguese"], n, 0.036)
    turns = corpus["turn"].to_numpy()
    assert abs(turns.mean() - 2.0) < 0.15
    assert turns.max() > 12


def test_the_lists_of_models_and_languages_have_the_published_lengths():
    assert len({model.name for model in CHAT_MODELS}) == len(CHAT_MODELS) == 25
    assert len(set(LANGUAGES)) == len(LANGUAGES) == 154


def test_category_sets_sum_to_the_published_counts():
    sums = Counter()
    for group, count in CATEGORY_SETS.items():
        sums.update(dict.fromkeys(group, count))
    assert sum(CATEGORY_SETS.values()) == 54_427
    assert sums == {
        "sexual": 33_968,
        "harassment": 21_167,
        "violence": 9_499,
        "hate": 3_591,
        "self-harm": 863,
    }


def test_conversations_are_flagged_at_the_published_rates(corpus):
    n = corpus.num_rows
    moderation = flatten(corpus["openai_moderation"])
    row = pc.list_parent_indices(corpus["openai_moderation"].combine_chunks()).to_numpy()
    flagged = moderation.field("flagged").to_numpy(zero_copy_only=False)
    position = np.arange(len(row)) - np.searchsorted(row, row)
    assert is_plausible(len(np.unique(row[flagged])), n, 0.054427)
    sexual = moderation.field("categories").field("sexual").to_numpy(zero_copy_only=False)
    assert is_plausible(len(np.unique(row[sexual])), n, 0.033968)

    vicuna = pc.equal(corpus["model"], "vicuna-13b").to_numpy()
    asked = np.unique(row[flagged & (position % 2 == 0) & vicuna[row]])
    answered = np.unique(row[flagged & (position % 2 == 1) & vicuna[row]])
    assert is_plausible(len(asked), vicuna.sum(), 15_925 / 490_712)
    assert is_plausible(len(answered), vicuna.sum(), 13_463 / 490_712)


def test_a_category_is_flagged_exactly_when_its_score_is_high(corpus):
    moderation = flatten(corpus["openai_moderation"])
    any_flag = np.zeros(len(moderation), dtype=bool)
    for category in moderation.type.field("categories").type:
        scores = moderation.field("category_scores").field(category.name).to_numpy()
        flags = moderation.field("categories").field(category.name).to_numpy(zero_copy_only=False)
        assert ((scores > 0) & (scores < 1)).all()
        assert (flags == (scores >= 0.5)).all()
        assert np.median(scores) < 1e-3
        any_flag |= flags
    assert (any_flag == moderation.field("flagged").to_numpy(zero_copy_only=False)).all()


def test_redacted_conversations_are_those_that_hold_a_replaced_name(corpus):
    redacted = corpus["redacted"].to_numpy()
    texts = [" ".join(m["content"] for m in conversation) for conversation in corpus["conversation"].to_pylist()]
    assert redacted.tolist() == ["NAME_" in text for text in texts]
    assert 0.05 < redacted.mean() < 0.15


def test_some_prompts_are_asked_again_and_again(corpus):
    prompts = Counter(conversation[0]["content"] for conversation in corpus["conversation"].to_pylist())
    assert prompts.most_common(1)[0][1] > 20
    assert sum(count == 1 for count in prompts.values()) > 0.8 * len(prompts)


def test_token_lengths_are_near_the_published_means(corpus):
    model = files("mistral_common") / "data" / "tokenizer.model.v1"
    tokenizer = sentencepiece.SentencePieceProcessor(model_file=str(model))
    messages = flatten(corpus["conversation"]).slice(0, 6_000)
    texts, answer = messages.field("content").to_pylist(), np.arange(len(messages)) % 2 == 1
    n_tokens = np.array(
        [len(pieces) + 1 if text else 0 for text, pieces in zip(texts, tokenizer.encode(texts), strict=True)]
    )
    for chosen, published in ((~answer, 69.5), (answer, 214.5)):
        counts = n_tokens[chosen]
        assert abs(counts.mean() - published) < 6 * counts.std() / np.sqrt(len(counts))
        assert counts.max() > 10 * counts.mean()
    assert 110 < n_tokens[~answer].std() < 180
    assert (n_tokens[answer] == 0).any()


def test_answers_hold_markdown_and_prompts_do_not(corpus):
    messages = flatten(corpus["conversation"])
    content = messages.field("content")
    answer = pa.array(np.arange(len(messages)) % 2 == 1)
    for pattern in (r"\n## ", r"\n- ", r"\*\*\w", r"```python\n"):
        found = pc.match_substring_regex(content, pattern)
        assert pc.sum(pc.and_(found, answer)).as_py() > 10
        assert pc.sum(pc.and_(found, pc.invert(answer))).as_py() == 0


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("english", "en"),
        ("portuguese", "pt"),
        ("spanish", "es"),
        ("french", "fr"),
        ("german", "de"),
        ("italian", "it"),
        ("russian", "ru"),
        ("chinese", "zh-cn"),
        ("japanese", "ja"),
        ("korean", "ko"),
        ("arabic", "ar"),
        ("hindi", "hi"),
        ("thai", "th"),
    ],
)
def test_a_detector_recognises_the_language_of_a_text(script, code):
    DetectorFactory.seed = 0
    n = 12
    nobody = np.zeros(n, dtype=bool)
    texts, _ = compose_texts(
        np.random.Generator(np.random.Philox(8)),
        script=np.full(n, SCRIPT_INDEX[script]),
        n_pieces=np.full(n, 80),
        answer=nobody,
        named=nobody,
        popular=np.full(n, -1),
    )
    assert sum(detect(text) == code for text in texts.to_pylist()) >= n - 1


def test_texts_have_the_asked_lengths_and_clean_edges():
    nobody = np.zeros(4, dtype=bool)
    texts, _ = compose_texts(
        np.random.Generator(np.random.Philox(9)),
        script=np.full(4, SCRIPT_INDEX["english"]),
        n_pieces=np.array([0, 1, 40, 0]),
        answer=nobody,
        named=nobody,
        popular=np.array([-1, -1, -1, 3]),
    )
    empty, one, many, ready = texts.to_pylist()
    assert empty == ""
    assert len(one.split()) == 1
    assert one[0].isupper()
    assert many == many.strip()
    assert many[-1] in ".?!:"
    assert 30 <= len(many.split()) <= 40
    assert ready == "Tell me a joke."


def test_big_languages_have_fifty_thousand_forms():
    assert {script.forms for script in SCRIPTS[:8]} == {50_000}


def test_battles_have_the_published_shape(votes):
    rows = votes.to_pylist()
    winners = Counter(row["winner"] for row in rows)
    assert 0.17 < winners["tie"] / len(rows) < 0.23
    assert 0.15 < winners["tie (bothbad)"] / len(rows) < 0.21
    assert abs(votes["turn"].to_numpy().mean() - 1.2) < 0.05
    assert is_plausible(sum(not row["anony"] for row in rows), len(rows), 0.03)
    assert all(row["model_a"] != row["model_b"] for row in rows)
    assert all(row["judge"].startswith("arena_user_") for row in rows)
    for row in rows[:500]:
        prompts_a = [m["content"] for m in row["conversation_a"][0::2]]
        assert prompts_a == [m["content"] for m in row["conversation_b"][0::2]]
        assert len(prompts_a) == row["turn"]
        assert [m["role"] for m in row["conversation_a"]] == ["user", "assistant"] * row["turn"]


def test_voters_are_unequally_active_and_days_unequally_busy(votes):
    activity = sorted(Counter(votes["judge"].to_pylist()).values())
    assert activity[-1] > 20
    assert np.median(activity) == 1
    days = Counter((votes["tstamp"].to_numpy() // 86_400).astype(int).tolist())
    assert min(days) >= 1_682_294_400 // 86_400
    assert len(days) == 60
    assert max(days.values()) > 2 * min(days.values())


def test_every_five_hundredth_battle_repeats_the_one_before(votes, design):
    rows = votes.to_pylist()
    repeats = [index for index in range(1, len(rows)) if rows[index] == rows[index - 1]]
    assert repeats == list(range(499, len(rows), 500))
    assert len({row["question_id"] for row in rows}) == len(rows) - len(repeats)
    assert describe_design(design)["duplicates"] == len(repeats)


def test_votes_follow_the_written_truth(votes, design):
    """The probabilities are worked out here from the truth document alone, and compared cell by cell."""
    document = json.loads(json.dumps(describe_design(design)))
    keys = ("model_a", "model_b", "language", "winner")
    records = list(zip(*(votes[key].to_pylist() for key in keys), strict=True))
    actual = Counter((a, winner) for a, _, _, winner in records)
    expected: Counter[tuple[str, str]] = Counter()
    for (a, b, language), n in Counter(record[:3] for record in records).items():
        points = dict(zip(document["models"], document["strengths_by_language"][language], strict=True))
        d = (points[a] + document["position_bias"] - points[b]) * np.log(10) / 400
        odds = np.array([np.exp(d / 2), np.exp(-d / 2), document["tie_parameter"]])
        p = odds / odds.sum()
        bad = 1 / (1 + np.exp(-(document["bothbad_shift"] - ((points[a] + points[b]) / 2 - 1000) / 200)))
        for w, share in zip(battles.WINNERS, (p[0], p[1], p[2] * (1 - bad), p[2] * bad), strict=True):
            expected[a, w] += n * share
    statistic = sum((actual[cell] - expected[cell]) ** 2 / expected[cell] for cell in expected)
    assert chi2.sf(statistic, df=3 * len(document["models"])) > 1e-4


def test_pseudo_true_ratings_solve_the_methods_equations(design, truth):
    """At a half-win Bradley-Terry fit every model's expected wins are what its rating predicts."""
    ratings = np.array([truth["language=Portuguese", "bradley_terry", model] for model in design.models])
    language = design.languages.index("Portuguese")
    strengths = design.strengths[language]
    shares = battles.outcome_shares(strengths[:, None], strengths[None, :], 0.0)
    half_wins_a = shares[..., 0] + (shares[..., 2] + shares[..., 3]) / 2
    predicted = 1 / (1 + 10 ** ((ratings[None, :] - ratings[:, None]) / 400))
    gap = design.pair_shares * (half_wins_a - predicted)
    assert np.abs(gap.sum(axis=1) - gap.sum(axis=0)).max() < 1e-9
    assert ratings.mean() == pytest.approx(1000)


def test_the_model_of_the_votes_gives_strengths_back_and_half_win_ties_bring_them_closer(design, truth):
    strengths, without_ties, davidson, half_win, win_rate = (
        np.array([truth["language=English", method, model] for model in design.models])
        for method in ("strength", "bradley_terry_no_ties", "davidson", "bradley_terry", "win_rate")
    )
    assert np.abs(strengths - without_ties).max() < 1e-6
    assert np.abs(strengths - davidson).max() < 1e-6
    assert half_win.std() < 0.8 * strengths.std()
    assert np.corrcoef(win_rate, strengths)[0, 1] > 0.98
    assert np.ptp(win_rate) > 0.3


def test_a_position_bias_makes_the_first_model_win_more_often():
    biased = battle_design(seed=3, rows=BATTLES, models=20, position_bias=100.0)
    shares = battles.outcome_shares(np.array([1000.0]), np.array([1000.0]), biased.position_bias)[0]
    assert shares[0] / shares[1] == pytest.approx(10 ** (100 / 400))
    assert shares.sum() == pytest.approx(1)
