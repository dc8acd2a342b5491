"""Language detection: texts made ready, names as published, detectors on labelled texts, and who is in a sample."""

import csv
import io
import itertools

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import Row

from arenalake.config import parse_config
from arenalake.entities.language_names import language_name
from arenalake.errors import ConfigError, DetectorError
from arenalake.text import detect, detectors
from arenalake.text.choose import count_strata, in_sample
from arenalake.text.detect import detect_languages
from arenalake.text.detectable import MAX_CHARS, clean_texts, main_scripts
from arenalake.text.detectors import DETECTORS, LangDetect, require_detector

ENGLISH = "What would you do if you were me and had to choose?"


def detected(texts, detector="cld2"):
    return detect_languages(pa.array(texts, pa.string()), detector).to_pylist()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        (" \n\t", "empty"),
        ("1234 + 5678 = ?", "digits"),
        ("😀 !!! ...", "symbols"),
        ("hello", "too short"),
        ("你好", "too short"),
        ("https://www.example.com/what/would/you/do/if", "links"),
        ("this: www.example.com/abcdefghijklm", "links"),
        ("someone.with.a.long.name@example.com", "links"),
        ("```python\nprint('what would you do if you were me')\n```", "code"),
        ("```\nnever closed, what would you do", "code"),
        ("#include <stdio.h>\nint main() {\n    return what_would_you_do;\n}", "code"),
        ("import numpy as np\nfrom os import path\ndef what_would_you_do(x):\n", "code"),
        ("<div class='what'>\n<p>\n</p>\n</div>", "code"),
        ("class Answer extends Question {\n  int whatever;\n  } else {\n  return something;\n}", "code"),
        ("while (whatever != nothing)\n  whatever(another, thing);\nfor key in range(len(questions)):", "code"),
        ('{\n"what would you do": {\n}\n}\nquestion["answer"] = "what would you say";', "code"),
        ("NAME_1 NAME_2 NAME_3 NAME_4 NAME_5", "too short"),
    ],
)
def test_a_text_that_says_nothing_about_its_language_is_unknown_with_the_reason(text, reason):
    for detector in DETECTORS:
        [found] = detected([text], detector)
        assert (found["language"], found["confidence"], found["reason"]) == ("unknown", None, reason)


@pytest.mark.parametrize(
    "text",
    [
        "Τι είναι η φωτοσύνθεση και πώς λειτουργεί;",
        "Μπορείς να μου πεις (με λίγα λόγια) τι είναι αυτό;\nΚαι γιατί;",
        "Write a poem about love and the sea (in the style of Neruda):",
        "Summarise the following paragraph(s):",
        "Tell me a story about {name}",
        "First read the text; then answer the questions below;",
    ],
)
def test_a_mark_at_the_end_of_a_sentence_does_not_make_it_code(text):
    cleaned, _, reasons = clean_texts(pa.array([text]))
    assert (cleaned.to_pylist(), reasons.to_pylist()) == ([" ".join(text.split())], [None])


def test_words_around_code_links_and_placeholders_are_what_is_looked_at():
    text = f"NAME_1, {ENGLISH}\n```js\nlet bonjour = 'comment allez-vous';\n```\nhttps://example.com/le-monde"
    cleaned, letters, reasons = clean_texts(pa.array([text]))
    assert cleaned.to_pylist() == [f", {ENGLISH}"]
    assert letters.tolist() == [sum(map(str.isalpha, ENGLISH))]
    assert reasons.to_pylist() == [None]


def test_a_detector_sees_a_bounded_part_of_a_text():
    cleaned, letters, _ = clean_texts(pa.array(["word " * 10_000]))
    assert len(cleaned[0].as_py()) == MAX_CHARS
    assert letters.tolist() == [40_000]


def test_three_characters_of_chinese_are_enough():
    assert [row["language"] for row in detected(["你好吗", "这是什么"])] == ["Chinese", "Chinese"]


def test_a_text_has_the_script_that_most_letters_are_in():
    texts = pa.array(["abc", "abc Привет", "日本語のテキストです", "日本 東京 大阪", "42", "ไทย a", "ᏣᎳᎩ"])
    scripts = ["Latin", "Cyrillic", "Kana", "Han", None, "Thai", "Cherokee"]
    assert main_scripts(texts).to_pylist() == scripts
    assert main_scripts(pa.array([], pa.string())).to_pylist() == []


def test_names_are_those_of_the_published_tags():
    codes = ["en", "pt", "ru", "zh", "zh-cn", "zh-Hant", "iw", "jw", "no", "nn", "tl", "bn", "ht", "tlh", "zzp"]
    names = """English Portuguese Russian Chinese Chinese Chinese Hebrew Javanese Norwegian
    Norwegian_Nynorsk Tagalog Bangla Haitian_Creole Klingon zzp"""
    assert [language_name(code) for code in codes] == [name.replace("_", " ") for name in names.split()]


def test_every_language_of_langdetect_has_a_name_and_the_two_kinds_of_chinese_have_the_same():
    codes = detectors.load_detector("langdetect")._factory.get_lang_list()
    names = {language_name(code) for code in codes}
    assert len(names) == len(codes) - 1
    assert not names & set(codes)


def test_langdetect_says_the_same_in_any_order_and_whatever_it_was_asked_before():
    texts = ["una frase en la que no se dice gran cosa", "en liten setning om ingenting", ENGLISH, "to be or not to be"]
    one, other = LangDetect(), LangDetect()
    assert [other.detect(text) for text in reversed(texts)] == [one.detect(text) for text in texts][::-1]


def test_equal_texts_are_detected_once(monkeypatch):
    asked = []

    class Counting:
        package = "langdetect"

        def detect(self, text):
            asked.append(text)
            return "en", 1.0

    monkeypatch.setitem(DETECTORS, "counting", Counting)
    monkeypatch.setattr(detect, "remembered", {})
    detectors.load_detector.cache_clear()
    found = detected([ENGLISH, "x", ENGLISH + "\n", ENGLISH], "counting") + detected([ENGLISH], "counting")
    assert [row["language"] for row in found] == ["English", "unknown", "English", "English", "English"]
    assert asked == [ENGLISH]
    monkeypatch.setattr(detect, "MAX_REMEMBERED", 2)
    detected([f"{ENGLISH} {word}" for word in ("one", "two", "three")], "counting")
    assert len(detect.remembered) <= 2
    detectors.load_detector.cache_clear()


@settings(deadline=None, max_examples=30)
@given(st.lists(st.one_of(st.text(), st.text(min_size=20)), max_size=6))
def test_any_text_has_an_answer_and_it_does_not_depend_on_the_others(texts):
    whole = detected(texts)
    assert whole == [row for text in texts for row in detected([text])]
    assert all((row["language"] == "unknown") == (row["reason"] is not None) for row in whole)


@pytest.mark.parametrize(
    ("detector", "every", "least", "least_of_all"),
    [
        ("langdetect", 4, 0.94, 0.99),  # takes 5 ms a text
        pytest.param("langdetect", 1, 0.94, 0.99, marks=pytest.mark.slow),
        ("cld2", 1, 0.96, 0.99),
    ],
)
def test_detectors_know_eleven_languages(real_data, detector, every, least, least_of_all):
    shares = {}
    for path in sorted((real_data / "languages" / "mgsm").glob("*.tsv")):
        rows = csv.reader(io.StringIO(path.read_text(encoding="utf-8")), delimiter="\t", quoting=csv.QUOTE_NONE)
        texts = [row[0] for row in itertools.islice(rows, 0, None, every)]
        found = [row["language"] for row in detected(texts, detector)]
        shares[path.stem] = found.count(language_name(path.stem.removeprefix("mgsm_"))) / len(found)
    assert len(shares) == 11
    assert min(shares.values()) >= least, shares
    assert sum(shares.values()) / 11 >= least_of_all, shares


def test_an_unknown_detector_and_one_that_is_not_installed_are_the_callers_mistake(monkeypatch):
    with pytest.raises(ConfigError, match=r"language.detector: is not a known detector; known: cld2, langdetect"):
        parse_config({"storage": {"root": "x"}, "language": {"detector": "lingua"}})
    monkeypatch.setattr(detectors.Cld2, "package", "no_such_package")
    with pytest.raises(DetectorError, match="cld2 needs the package no_such_package"):
        require_detector("cld2")


def labelled(spark, counts, *, copies=""):
    rows = [(source, f"{language}-{copies}{i}", language) for (source, language), n in counts.items() for i in range(n)]
    return spark.createDataFrame(rows, "source string, conversation_id string, language string")


def chosen(rows, strata, seed=0):
    found = rows.where(in_sample(strata, sample_size=50, seed=seed)).collect()
    return {(row.source, row.conversation_id, row.language) for row in found}


def test_a_sample_has_about_the_same_number_of_every_language_and_all_of_a_rare_one(spark):
    counts = {("s", "English"): 5000, ("s", "French"): 400, ("s", "Manx"): 7, ("t", "English"): 100}
    rows = labelled(spark, counts)
    strata = count_strata(rows, sample_size=50).collect()
    assert {(row.source, row.language): row.n for row in strata} == {k: n for k, n in counts.items() if n > 50}
    found = chosen(rows.repartition(5), strata)
    sizes = {key: sum((source, language) == key for source, _, language in found) for key in counts}
    assert sizes["s", "Manx"] == 7
    # 50 on average; five standard deviations of a binomial.
    assert all(abs(sizes[key] - 50) < 5 * 50**0.5 for key in counts if counts[key] > 50)
    assert chosen(rows, strata) == found
    assert chosen(rows, strata, seed=1) != found


def test_when_a_language_grows_no_old_conversation_comes_into_the_sample(spark):
    old = labelled(spark, {("s", "English"): 1000})
    more = old.unionByName(labelled(spark, {("s", "English"): 1000}, copies="more-"))
    before = chosen(old, [Row(source="s", language="English", n=1000)])
    after = chosen(more, [Row(source="s", language="English", n=2000)])
    assert {key for key in after if "more" not in key[1]} < before
    assert count_strata(old, sample_size=1000).collect() == []
