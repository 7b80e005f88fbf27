"""Models for other programs: a page for browsers, safetensors for PyTorch, ONNX; and weights of PyTorch read back.

It writes what a checkpoint holds in other forms, and trains, samples and scores nothing. Packages beyond NumPy are
imported when a form needs them, and only then.
"""

from charrnn.export.onnx_model import to_onnx
from charrnn.export.onnx_translator import translator_to_onnx
from charrnn.export.pytorch import from_safetensors, to_safetensors
from charrnn.export.web import web_page

__all__ = ["from_safetensors", "to_onnx", "to_safetensors", "translator_to_onnx", "web_page"]
