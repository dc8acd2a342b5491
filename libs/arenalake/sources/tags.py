"""Categories of a question as the arena releases publish them: structs of flags, which become names of tags."""

from collections.abc import Iterable, Mapping
from functools import reduce
from operator import or_

from pyspark.sql import Column
from pyspark.sql import functions as F

CRITERIA = (
    "complexity",
    "creativity",
    "domain_knowledge",
    "problem_solving",
    "real_world",
    "specificity",
    "technical_accuracy",
)
CATEGORY_TAG_TYPE = (
    "struct<`creative_writing_v0.1`:struct<creative_writing:boolean>,"
    f"`criteria_v0.1`:struct<{','.join(f'{name}:boolean' for name in CRITERIA)}>,"
    "`if_v0.1`:struct<if:boolean>,`math_v0.1`:struct<math:boolean>>"
)
OCCUPATIONS = (
    "business_and_management_and_financial_operations",
    "community_and_social_service",
    "construction_and_extraction",
    "education",
    "engineering_and_architecture",
    "entertainment_and_sports_and_media",
    "farming_and_fishing_and_forestry",
    "food_preparation_and_serving",
    "legal_and_government",
    "life_and_physical_and_social_science",
    "mathematical",
    "medicine_and_healthcare",
    "office_and_administrative_support",
    "personal_care_and_service",
    "philosophy_and_religion_and_theology",
    "production_and_industrial",
    "real_estate",
    "sales_and_retail",
    "software_and_it_services",
    "technology_hardware_and_equipment",
    "travel",
    "visual_arts_and_design",
    "writing_and_literature_and_language",
)
OCCUPATIONAL_TAGS_TYPE = f"struct<{','.join(f'{name}:boolean' for name in OCCUPATIONS)}>"
# Of the seven criteria, as on the public leaderboard.
_HARD_FROM = 6


def category_tags(*, category_tag: Column, is_code: Column) -> Column:
    """The tags of the 100K and 140K: `code`, `creative_writing`, `criteria.<name>`, `hard_prompt`, `if`, `math`.

    Each is a published flag that is true, by its own name; criteria have a prefix, and `is_code` is `code`. A
    `hard_prompt` meets at least six of the seven criteria. Null where the record has no flags at all.

    Source: FastChat, fastchat/serve/monitor/classify/category.py; https://lmsys.org/blog/2024-05-17-category-hard/
    """
    criteria = category_tag["criteria_v0.1"]
    n_met = sum((F.coalesce(criteria[name].cast("int"), F.lit(0)) for name in CRITERIA), F.lit(0))
    flags = {
        "code": is_code,
        "creative_writing": category_tag["creative_writing_v0.1"]["creative_writing"],
        "hard_prompt": n_met >= _HARD_FROM,
        "if": category_tag["if_v0.1"]["if"],
        "math": category_tag["math_v0.1"]["math"],
        **{f"criteria.{name}": criteria[name] for name in CRITERIA},
    }
    return _names_of(flags, given=[category_tag, is_code])


def occupational_tags(occupations: Column) -> Column:
    """The tags of the expert release: `occupation.<name>` for each published flag that is true."""
    return _names_of({f"occupation.{name}": occupations[name] for name in OCCUPATIONS}, given=[occupations])


def _names_of(flags: Mapping[str, Column], *, given: Iterable[Column]) -> Column:
    names = F.array(*[F.when(flags[name], name) for name in sorted(flags)])
    # Takes the nulls out, as `sentences` of source.py does.
    tags = F.array_except(names, F.array(F.lit(None).cast("string")))
    return F.when(reduce(or_, [column.isNotNull() for column in given]), tags)
