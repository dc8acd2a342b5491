"""The ledgers by published format."""

from arenalake.reproduction.ledgers.conversations import ARENA_33K, LMSYS_CHAT_1M
from arenalake.reproduction.ledgers.likert import LIKERT_LEDGER
from arenalake.reproduction.ledgers.mt_bench import MT_BENCH_LEDGER
from arenalake.reproduction.ledgers.oasst1 import OASST1
from arenalake.reproduction.ledgers.preference_dissection import PREFERENCE_DISSECTION

LEDGERS = {
    "lmsys_chat_1m": LMSYS_CHAT_1M,
    "arena": ARENA_33K,
    "mt_bench": MT_BENCH_LEDGER,
    "preference_dissection": PREFERENCE_DISSECTION,
    "likert": LIKERT_LEDGER,
    "oasst1": OASST1,
}
