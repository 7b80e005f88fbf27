"""Text to ids: files, decoding, vocabularies, splits and batches.

Text is read strictly, in one pass, and never changed unless the config asks for it. Nothing here knows a model.
"""

from charrnn.data.batches import Batch, Batches
from charrnn.data.corpus import (
    Corpus,
    check_sizes,
    choose_split,
    reads_standard_input,
    remarks,
    split_of_files,
)
from charrnn.data.decoding import decode_bytes, read_by_model, transformed
from charrnn.data.document_batches import DocumentBatches, make_batches
from charrnn.data.documents import DocumentFacts, digest, digests_of_ids, ends_of
from charrnn.data.example_corpus import ExampleCorpus, held_out_examples
from charrnn.data.example_loading import load_examples, load_pairs, pair_rules_of, resolved_format, rules_of
from charrnn.data.example_rows import ExampleRules
from charrnn.data.examples import Examples, ExampleSplit, encode_texts
from charrnn.data.files import find_files, standard_input
from charrnn.data.length_batches import ExampleBatch, LengthBatches, padded, present
from charrnn.data.loading import load_corpus
from charrnn.data.pair_batches import PairBatch, PairBatches, padded_pairs
from charrnn.data.pair_corpus import PairCorpus, held_out_pairs
from charrnn.data.pair_rows import PairRules, token_rows
from charrnn.data.pairs import PairExamples, PairSplit
from charrnn.data.row_streams import StreamedRow, stream_rows, stream_sentences
from charrnn.data.rows import FORMAT_OF_ENDING, Faults, Layout, Row, plain_name, read_files
from charrnn.data.sentences import Sentence, target_position
from charrnn.data.soft_targets import SoftTargets
from charrnn.data.splits import Split
from charrnn.data.symbols import Symbols, join
from charrnn.data.tables import SURROGATES
from charrnn.data.tagging import has_span_labels, tag_segments, tag_sentences
from charrnn.data.targets import Labels
from charrnn.data.text_rules import TextRules
from charrnn.data.vocab import END, Unknown, Vocab

__all__ = [
    "END",
    "FORMAT_OF_ENDING",
    "SURROGATES",
    "Batch",
    "Batches",
    "Corpus",
    "DocumentBatches",
    "DocumentFacts",
    "ExampleBatch",
    "ExampleCorpus",
    "ExampleRules",
    "ExampleSplit",
    "Examples",
    "Faults",
    "Labels",
    "Layout",
    "LengthBatches",
    "PairBatch",
    "PairBatches",
    "PairCorpus",
    "PairExamples",
    "PairRules",
    "PairSplit",
    "Row",
    "Sentence",
    "SoftTargets",
    "Split",
    "StreamedRow",
    "Symbols",
    "TextRules",
    "Unknown",
    "Vocab",
    "check_sizes",
    "choose_split",
    "decode_bytes",
    "digest",
    "digests_of_ids",
    "encode_texts",
    "ends_of",
    "find_files",
    "has_span_labels",
    "held_out_examples",
    "held_out_pairs",
    "join",
    "load_corpus",
    "load_examples",
    "load_pairs",
    "make_batches",
    "padded",
    "padded_pairs",
    "pair_rules_of",
    "plain_name",
    "present",
    "read_by_model",
    "read_files",
    "reads_standard_input",
    "remarks",
    "resolved_format",
    "rules_of",
    "split_of_files",
    "standard_input",
    "stream_rows",
    "stream_sentences",
    "tag_segments",
    "tag_sentences",
    "target_position",
    "token_rows",
    "transformed",
]
