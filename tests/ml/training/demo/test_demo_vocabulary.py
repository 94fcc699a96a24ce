"""The cut-down vocabulary of the demo encoder."""

from pathlib import Path

from open_clip import SimpleTokenizer

from ml.training.demo.vocabulary import learn_merges, vocabulary_size, write_merges

TEXTS = ["low low low low low", "lower lower", "newest newest newest newest newest newest", "widest widest widest"]


def test_the_most_frequent_pairs_are_merged_first() -> None:
    # Counts: e+s 9, s+t</w> 9; e+s comes first in the alphabet. Then es+t</w> 9, l+o 7, lo+w</w> 5 …
    assert learn_merges(TEXTS, merges=3) == [("e", "s"), ("es", "t</w>"), ("l", "o")]


def test_open_clip_reads_the_vocabulary_and_frequent_words_become_one_token(tmp_path: Path) -> None:
    write_merges(TEXTS, tmp_path / "bpe.txt.gz", merges=10)
    tokenizer = SimpleTokenizer(bpe_path=str(tmp_path / "bpe.txt.gz"), context_length=16)
    assert tokenizer.vocab_size == vocabulary_size(10)
    assert len(tokenizer.encode("newest")) == 1
    assert tokenizer.decode(tokenizer.encode("a lower xylophone")).strip() == "a lower xylophone"
    assert int(tokenizer(["newest"])[0].argmax()) == 2


def test_the_same_texts_write_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.gz", "b.gz"):
        write_merges(TEXTS, tmp_path / name, merges=5)
    assert (tmp_path / "a.gz").read_bytes() == (tmp_path / "b.gz").read_bytes()
