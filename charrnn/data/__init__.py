"""Text to ids: files, decoding, vocabularies, splits and batches."""

from charrnn.data.batches import Batch, Batches
from charrnn.data.corpus import Corpus, check_sizes, choose_split, load_corpus, read_pieces, remarks
from charrnn.data.decoding import decode_bytes, transformed
from charrnn.data.files import file_pieces, find_files, stream_pieces
from charrnn.data.splits import Split, make_split
from charrnn.data.vocab import Unknown, Vocab

__all__ = [
    "Batch",
    "Batches",
    "Corpus",
    "Split",
    "Unknown",
    "Vocab",
    "check_sizes",
    "choose_split",
    "decode_bytes",
    "file_pieces",
    "find_files",
    "load_corpus",
    "make_split",
    "read_pieces",
    "remarks",
    "stream_pieces",
    "transformed",
]
