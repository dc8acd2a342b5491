"""The models of the two corpora: how often each was used, and what its answers are like."""

from dataclasses import dataclass

import numpy as np

from arenalake.samples.draws import Floats, Stream, philox


@dataclass(frozen=True)
class ChatModel:
    """A model of the conversation corpus.

    Attributes:
        conversations: published number in the million, or None where it is shared out by Zipf's law.
        attempt: share of conversations in which a message of the user is flagged.
        yields: share of those in which the answer is flagged too.
        unprovoked: share of the other conversations in which an answer is flagged.
        verbosity: length of its answers relative to the others.
    """

    name: str
    conversations: int | None = None
    attempt: float = 0.053
    yields: float = 0.6
    unprovoked: float = 0.0175
    verbosity: float = 1.0


# The flagged shares of Vicuna-13B, GPT-4 and Claude-2 are the published ones (attempt = flagged user message,
# success = flagged answer); the others' are such that 5.4 % of all conversations are flagged.
CHAT_MODELS = (
    ChatModel("vicuna-13b", 490_712, attempt=15_925 / 490_712, yields=0.6, unprovoked=0.00824, verbosity=1.1),
    ChatModel("koala-13b", verbosity=1.05),
    ChatModel("alpaca-13b", verbosity=0.45),
    ChatModel("chatglm-6b", verbosity=0.95),
    ChatModel("llama-13b", verbosity=0.8),
    ChatModel("oasst-pythia-12b", verbosity=0.8),
    ChatModel("vicuna-33b", verbosity=1.2),
    ChatModel("dolly-v2-12b", verbosity=0.5),
    ChatModel("fastchat-t5-3b", verbosity=0.6),
    ChatModel("stablelm-tuned-alpha-7b", verbosity=0.8),
    ChatModel("RWKV-4-Raven-14B", verbosity=0.85),
    ChatModel("gpt-3.5-turbo", attempt=0.04, yields=0.2, unprovoked=0.003, verbosity=1.0),
    ChatModel("wizardlm-13b", verbosity=1.3),
    ChatModel("llama-2-13b-chat", attempt=0.05, yields=0.15, unprovoked=0.003, verbosity=1.4),
    ChatModel("mpt-7b-chat", verbosity=0.9),
    ChatModel("vicuna-7b", verbosity=1.05),
    ChatModel("claude-1", attempt=0.045, yields=0.25, unprovoked=0.003, verbosity=1.1),
    ChatModel("gpt4all-13b-snoozy", verbosity=0.8),
    ChatModel("guanaco-33b", verbosity=1.1),
    ChatModel("gpt-4", 7_304, attempt=368 / 7_304, yields=0.25, unprovoked=0.00245, verbosity=1.15),
    ChatModel("palm-2", attempt=0.04, yields=0.15, unprovoked=0.002, verbosity=0.7),
    ChatModel("claude-instant-1", attempt=0.045, yields=0.2, unprovoked=0.002, verbosity=1.05),
    ChatModel("mpt-30b-chat", verbosity=1.0),
    ChatModel("llama-2-7b-chat", attempt=0.05, yields=0.15, unprovoked=0.003, verbosity=1.4),
    ChatModel("claude-2", 2_241, attempt=78 / 2_241, yields=0.2, unprovoked=0.0011, verbosity=1.2),
)


def chat_shares(*, uniform: bool) -> Floats:
    """Share of each of `CHAT_MODELS`: as published (49 % in one), or the same for all."""
    if uniform:
        return np.full(len(CHAT_MODELS), 1 / len(CHAT_MODELS))
    published = np.array([model.conversations or 0 for model in CHAT_MODELS]) / 1_000_000
    free = published == 0
    zipf = 1 / np.arange(1, free.sum() + 1) ** 0.8
    published[free] = zipf / zipf.sum() * (1 - published.sum())
    return published


@dataclass(frozen=True)
class ArenaModel:
    """A model of the battles: its strength in rating points and how often it is drawn relative to the others."""

    name: str
    strength: float
    weight: float


_ARENA_MODELS = (
    ArenaModel("gpt-4", 1225, 0.8),
    ArenaModel("claude-v1", 1195, 0.9),
    ArenaModel("claude-instant-v1", 1153, 0.7),
    ArenaModel("gpt-3.5-turbo", 1143, 1.1),
    ArenaModel("vicuna-13b", 1054, 1.6),
    ArenaModel("palm-2", 1042, 0.9),
    ArenaModel("wizardlm-13b", 1040, 0.4),
    ArenaModel("guanaco-33b", 1037, 0.4),
    ArenaModel("vicuna-7b", 1007, 0.8),
    ArenaModel("koala-13b", 980, 1.5),
    ArenaModel("gpt4all-13b-snoozy", 970, 0.3),
    ArenaModel("mpt-7b-chat", 952, 0.8),
    ArenaModel("fastchat-t5-3b", 941, 0.9),
    ArenaModel("alpaca-13b", 937, 1.2),
    ArenaModel("RWKV-4-Raven-14B", 928, 1.0),
    ArenaModel("oasst-pythia-12b", 921, 1.3),
    ArenaModel("chatglm-6b", 915, 1.0),
    ArenaModel("stablelm-tuned-alpha-7b", 882, 0.9),
    ArenaModel("dolly-v2-12b", 866, 0.9),
    ArenaModel("llama-13b", 844, 0.7),
)


def arena_models(seed: int, count: int) -> list[ArenaModel]:
    """The first `count` models, each near its published strength; beyond the published ones they are made up."""
    rng = philox(seed, Stream.STRENGTHS)
    jitter = 15 * rng.standard_normal(200)
    made_up = 1000 + 120 * rng.standard_normal(200)
    weights = rng.uniform(0.4, 1.6, 200)
    models = []
    for index in range(count):
        if index < len(_ARENA_MODELS):
            model = _ARENA_MODELS[index]
        else:
            model = ArenaModel(f"model-{index + 1:03d}", float(made_up[index]), float(weights[index]))
        models.append(ArenaModel(model.name, round(model.strength + float(jitter[index]), 3), round(model.weight, 3)))
    return models
