"""Token counts against the tokenizer packages themselves, text by text, on real and on hostile texts."""

import base64
import csv
import gzip
import io
import json
from functools import cache
from importlib.resources import files

import numpy as np
import pyarrow as pa
import pytest
import sentencepiece
import tiktoken
from hypothesis import given, settings
from hypothesis import strategies as st
from sentencepiece import sentencepiece_model_pb2
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from arenalake.errors import ConfigError, TokenizerError
from arenalake.text import sentencepieces
from arenalake.text.tokenizers import load_counter, tokenizer_keys

HOSTILE = [
    "",
    " ",
    "  ",
    "a",
    " a",
    "a ",
    "a  ",
    "   a   b   ",
    "\n",
    " \n \n",
    "\t",
    "\u3000",
    "a\u00a0b",
    "a\x00b",
    "\x00",
    "\x01\x02 \x7f",
    "▁",
    "a▁b ▁c",
    "<s> </s> <unk> <0x0A>",
    "👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽",
    "🤖" * 50,
    "é e\u0301 \u200d",
    "def f(x):\n    return {\n        'a': x,\n    }\n\n\n",
    "x" * 5000,
    "ab " * 3000,
    " " * 300,
    "日本語のテキスト。 中文",
    "日本語abcのテキスト。ABC123アЖж" * 40,
    "  " + "中文。" * 60 + "x" * 100 + "1234567890" * 20,
    "ไทย తెలుగు বাংলা русский",
    "\ufffd \ud7ff \U0010ffff",
]


def sample_model():
    return (files("mistral_common") / "data" / "tokenizer.model.v1").read_bytes()


@cache
def reference():
    return sentencepiece.SentencePieceProcessor(model_proto=sample_model())


def count(spec, texts):
    return load_counter(spec)(pa.array(texts, pa.string())).tolist()


def assert_equal_to_sentencepiece(texts):
    expected = [len(ids) for ids in reference().encode(texts, num_threads=2)]
    assert count("sample", texts) == expected


def strings_in(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from strings_in(part)
    elif isinstance(value, list):
        for part in value:
            yield from strings_in(part)


def test_hostile_texts_count_as_sentencepiece_counts_them():
    assert_equal_to_sentencepiece(HOSTILE)


def test_every_pair_of_hostile_texts_counts_as_sentencepiece_counts_it():
    assert_equal_to_sentencepiece([left + right for left in HOSTILE for right in HOSTILE])


@settings(deadline=None)
@given(st.lists(st.text(alphabet=st.one_of(st.characters(codec="utf-8"), st.sampled_from(" \n▁ab'.🤖"))), max_size=5))
def test_any_text_counts_as_sentencepiece_counts_it(texts):
    assert_equal_to_sentencepiece(texts)


def test_eleven_languages_count_as_sentencepiece_counts_them(real_data):
    paths = sorted((real_data / "languages" / "mgsm").glob("*.tsv"))
    assert len(paths) == 11
    for path in paths:
        rows = csv.reader(io.StringIO(path.read_text(encoding="utf-8")), delimiter="\t", quoting=csv.QUOTE_NONE)
        assert_equal_to_sentencepiece([row[0] for row in rows])


@pytest.mark.parametrize("folder", ["llmfao", "mt_bench", "oasst", "openai_moderation"])
def test_real_records_count_as_sentencepiece_counts_them(real_data, folder):
    texts = []
    for path in sorted((real_data / folder).rglob("*.jsonl*")):
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        texts += [text for line in content.splitlines() for text in strings_in(json.loads(line))]
    assert len(texts) > 1000
    assert_equal_to_sentencepiece(texts)


def test_counts_do_not_depend_on_how_texts_are_cut_into_columns():
    texts = pa.array(HOSTILE * 3)
    whole = load_counter("sample")(texts)
    pieces = [load_counter("sample")(texts.slice(start, 7)) for start in range(0, len(texts), 7)]
    assert np.concatenate(pieces).tolist() == whole.tolist()
    assert load_counter("sample")(pa.array([], pa.string())).tolist() == []


def changed(change):
    proto = sentencepiece_model_pb2.ModelProto()
    proto.ParseFromString(sample_model())
    change(proto)
    return proto.SerializeToString()


def crossing_piece(proto):
    proto.pieces.add(piece="of▁the", score=0.0)


def crossing_symbol(proto):
    kind = sentencepiece_model_pb2.ModelProto.SentencePiece.USER_DEFINED
    proto.pieces.add(piece="New▁York", score=0.0, type=kind)


def piece_out_of_use(proto):
    next(piece for piece in proto.pieces if piece.piece == "▁the").type = proto.SentencePiece.UNUSED


def no_dummy_prefix(proto):
    proto.normalizer_spec.add_dummy_prefix = False


def remove_extra_whitespaces(proto):
    proto.normalizer_spec.remove_extra_whitespaces = True


def space_behind(proto):
    proto.trainer_spec.treat_whitespace_as_suffix = True


@pytest.mark.parametrize(
    "change",
    [crossing_piece, crossing_symbol, piece_out_of_use, no_dummy_prefix, remove_extra_whitespaces, space_behind],
)
def test_a_model_whose_counts_do_not_add_up_is_encoded_whole(tmp_path, change):
    assert sentencepieces.counts_add_up(sample_model())
    model = changed(change)
    assert not sentencepieces.counts_add_up(model)
    (tmp_path / "other.model").write_bytes(model)
    texts = [*HOSTILE, "one of the best in New York", " two  of the  worst "]
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    assert count(f"spm:{tmp_path}/other.model", texts) == [len(ids) for ids in processor.encode(texts)]


def joined_punctuation(proto):
    """Pieces that join what no piece of the sample joins: a letter and a full stop, a line feed and a letter."""
    for piece in ("o.", "\nA", "7a"):
        proto.pieces.add(piece=piece, score=0.0)


def test_words_end_where_no_piece_of_their_model_joins_them(tmp_path):
    model = changed(joined_punctuation)
    assert sentencepieces.counts_add_up(model)
    (tmp_path / "other.model").write_bytes(model)
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    texts = [*HOSTILE, "Go. go.o.\nAo.\n A7a 77aa", "nono.No..", "\u0378\u0379 x\u0378\u0378.\u0378", "\nA", "."]
    assert count(f"spm:{tmp_path}/other.model", texts) == [len(ids) for ids in processor.encode(texts)]


def symbols_of_the_user(proto):
    for piece in ("[REF]", "▁▁x", "boutc"):
        proto.pieces.add(piece=piece, score=0.0, type=proto.SentencePiece.USER_DEFINED)


def test_symbols_that_the_user_of_a_model_defined_are_found_before_any_merge(tmp_path):
    model = changed(symbols_of_the_user)
    assert sentencepieces.counts_add_up(model)
    (tmp_path / "other.model").write_bytes(model)
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    texts = [*HOSTILE, "see [REF] and [REF", " x", "  x", "aboutcabs"]
    assert count(f"spm:{tmp_path}/other.model", texts) == [len(ids) for ids in processor.encode(texts)]


def test_models_trained_as_unigram_or_with_a_normaliser_are_encoded_whole(tmp_path):
    lines = [f"the quick brown fox {number} jumps over the lazy dog and runs away" for number in range(20)]
    for kind, rule in (("unigram", "identity"), ("bpe", "nmt_nfkc"), ("bpe", "identity")):
        model = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(lines),
            model_writer=model,
            vocab_size=60,
            hard_vocab_limit=False,
            model_type=kind,
            normalization_rule_name=rule,
            remove_extra_whitespaces=False,
            minloglevel=2,
        )
        content = model.getvalue()
        assert sentencepieces.counts_add_up(content) == ((kind, rule) == ("bpe", "identity"))
        (tmp_path / f"{kind}-{rule}.model").write_bytes(content)
        processor = sentencepiece.SentencePieceProcessor(model_proto=content)
        # Characters that training never saw are unknown here, and runs of them one piece.
        texts = [*lines, *HOSTILE, "日本 語", "fox ж ж"]
        assert count(f"spm:{tmp_path}/{kind}-{rule}.model", texts) == [len(ids) for ids in processor.encode(texts)]


def test_bos_counts_one_for_every_text_that_is_not_empty():
    texts = ["", " ", "hello there"]
    plain, with_bos = count("sample", texts), count("sample+bos", texts)
    assert plain[0] == with_bos[0] == 0
    assert [b - p for p, b in zip(plain, with_bos, strict=True)] == [0, 1, 1]


def test_whitespace_counts_words():
    assert count("whitespace", ["", "  ", "one two\nthree\u3000four"]) == [0, 0, 4]


def test_a_tiktoken_file_counts_with_no_network(tmp_path):
    tokens = [bytes([byte]) for byte in range(256)] + [b"he", b"ll", b"hell", b"hello", b" w"]
    content = b"\n".join(base64.b64encode(token) + b" %d" % rank for rank, token in enumerate(tokens))
    (tmp_path / "tiny.tiktoken").write_bytes(content)
    texts = ["", "hello", "hello world", "<|endoftext|>"]
    # hello | " w" o r l d; the special token's name is thirteen ordinary characters.
    assert count(f"tiktoken:{tmp_path}/tiny.tiktoken", texts) == [0, 1, 6, 13]


def test_a_rank_file_is_split_by_the_pattern_of_the_encoding_it_is_named_after(tmp_path):
    tokens = [bytes([byte]) for byte in range(256)] + [b"12", b"1212"]
    content = b"\n".join(base64.b64encode(token) + b" %d" % rank for rank, token in enumerate(tokens))
    for name in ("cl100k_base", "r50k_base"):
        (tmp_path / f"{name}.tiktoken").write_bytes(content)
    # Digits go by at most three in cl100k_base (121|2) and all together in r50k_base.
    assert count(f"tiktoken:{tmp_path}/cl100k_base.tiktoken", ["1212"]) == [3]
    assert count(f"tiktoken:{tmp_path}/r50k_base.tiktoken", ["1212"]) == [1]


def test_a_hugging_face_file_counts_without_special_tokens_truncation_or_padding(tmp_path):
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0, "[CLS]": 1, "one": 2, "two": 3}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A", special_tokens=[("[CLS]", 1)])
    tokenizer.enable_truncation(4)
    tokenizer.enable_padding(length=6)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    assert count(f"hf:{tmp_path}/tokenizer.json", ["", "one two", "one " * 9]) == [0, 2, 9]


def test_the_name_of_a_special_token_is_ordinary_text_for_a_hugging_face_file(tmp_path):
    tokenizer = Tokenizer(models.BPE({chr(code): code for code in range(32, 127)}, []))
    tokenizer.add_special_tokens(["<|endoftext|>"])
    tokenizer.add_tokens(["magic"])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<|endoftext|> $A", special_tokens=[("<|endoftext|>", tokenizer.token_to_id("<|endoftext|>"))]
    )
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    texts = ["<|endoftext|>", "a <|endoftext|> b", "<|endoftext|", "magic", "a magic <|endoftext|>"]
    # One token a character, but for the token that was added and is not special.
    assert count(f"hf:{tmp_path}/tokenizer.json", texts) == [13, 17, 12, 1, 17]


def pieces_of_a_control_symbol(proto):
    for piece in ("</s", "s>"):
        proto.pieces.add(piece=piece, score=0.0)


def test_the_name_of_a_control_symbol_is_ordinary_text_for_a_sentencepiece_model(tmp_path):
    model = changed(pieces_of_a_control_symbol)
    (tmp_path / "other.model").write_bytes(model)
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    assert processor.is_control(processor.piece_to_id("</s>"))
    texts = ["</s>", "<s>", "a</s>b <s>", "</s></s>", "<unk>"]
    counts = count(f"spm:{tmp_path}/other.model", texts)
    assert counts == [len(ids) for ids in processor.encode(texts)]
    # Two pieces that no merge makes the control symbol of.
    assert counts[0] == 2


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("bert", "'bert' is not a tokenizer; allowed are sample, spm:<path>"),
        ("spm:", "'spm:' is not a tokenizer"),
        ("sample:x", "'sample:x' is not a tokenizer"),
        ("spm:/nowhere/tokenizer.model", "'spm:/nowhere/tokenizer.model' cannot be loaded: .*No such file"),
        ("hf:/nowhere/tokenizer.json", "cannot be loaded: .*No such file"),
        ("tiktoken:/nowhere/a.tiktoken", "cannot be loaded: .*No such file"),
        ("tiktoken:gpt-9", "is neither a file nor one of .*cl100k_base"),
    ],
)
def test_a_tokenizer_that_cannot_be_had_is_the_callers_mistake(spec, message):
    with pytest.raises(TokenizerError, match=message):
        load_counter(spec)


def test_a_file_that_is_no_model_is_the_callers_mistake(tmp_path):
    (tmp_path / "broken").write_bytes(b"not a model")
    for kind in ("spm", "hf", "tiktoken"):
        with pytest.raises(TokenizerError, match=f"'{kind}:.*broken' cannot be loaded"):
            load_counter(f"{kind}:{tmp_path}/broken")


def test_a_name_that_needs_the_network_fails_with_the_name(monkeypatch):
    def no_network(name):
        raise OSError("no route to host")

    monkeypatch.setattr(tiktoken, "get_encoding", no_network)
    with pytest.raises(TokenizerError, match="'tiktoken:o200k_base' cannot be loaded: no route to host"):
        load_counter("tiktoken:o200k_base")


def test_keys_are_specifications_with_the_path_reduced_to_its_file():
    specs = ["sample", "spm:/a/b/x.model", "spm:/a/b/x.model+bos", "tiktoken:cl100k_base", "hf:t.json"]
    keys = ["sample", "spm:x.model", "spm:x.model+bos", "tiktoken:cl100k_base", "hf:t.json"]
    assert list(tokenizer_keys(specs).items()) == list(zip(keys, specs, strict=True))
    with pytest.raises(
        ConfigError, match=r"'spm:/a/x.model' and 'spm:/b/x.model' would have the same name 'spm:x.model'"
    ):
        tokenizer_keys(["spm:/a/x.model", "spm:/b/x.model"])
