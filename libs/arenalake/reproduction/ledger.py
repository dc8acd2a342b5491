"""A ledger: what is published about a data set, how it was counted, and what it is in our tables.

A figure is compared with a rounding of the published digits as tolerance; a count has to be equal. `ours` is a Spark
aggregate over the rows that one table has of a source, or the name of a sum over its raw files. `llama_2` in it is the
name of Llama-2's tokenizer with one beginning-of-sequence token per text.
"""

from dataclasses import dataclass

from arenalake.lake.table import Table

LLAMA_2 = "llama_2"
# SHA-256 of the file tokenizer.model of Llama and Llama-2, and so of every Vicuna.
LLAMA_2_DIGEST = "9e556afd44213b6bd1be2b850ebbbd98f5481437a8021afaf58ee7fb1818d347"

# Units whose figures count persons, or records that a person made.
PERSONAL_UNITS = ("conversations", "battles", "users", "messages", "trees", "pairs")


@dataclass(frozen=True)
class Figure:
    """One published figure.

    Attributes:
        unit: what is counted; with `(mean)` or `(sd)` behind it, or `%`, where it is no count.
        table, ours: where our figure is; None where the release cannot give it.
        reason: why it cannot be recomputed. Where there is something of ours all the same, it is shown, not compared.
        tolerance: greatest difference that still counts as a match.
        records: size of the part of a release that the figure is about; None for the whole.
    """

    name: str
    unit: str
    published: float
    citation: str
    definition: str
    table: Table | None = None
    ours: str = ""
    tolerance: float = 0.0
    reason: str = ""
    records: int | None = None

    @property
    def uses_llama_2(self) -> bool:
        """Whether it needs counts by Llama-2's tokenizer."""
        return LLAMA_2 in self.ours


@dataclass(frozen=True)
class Ledger:
    """The figures of one published format.

    Attributes:
        records: number of records of the release; a source with another number is a part of it, or something else.
    """

    records: int
    figures: tuple[Figure, ...]
