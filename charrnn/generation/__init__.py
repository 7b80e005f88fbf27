"""Writing new text with any language model, character by character. It never prints."""

from charrnn.generation.sampling import Options, generate, generate_batch

__all__ = ["Options", "generate", "generate_batch"]
