"""Writing new text."""

from charrnn.generation.sampling import Options, generate, generate_batch

__all__ = ["Options", "generate", "generate_batch"]
