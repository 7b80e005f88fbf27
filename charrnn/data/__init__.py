"""Text to ids: files, decoding, vocabularies, splits and batches."""
