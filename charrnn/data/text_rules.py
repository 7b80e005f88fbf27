"""How the text of one example becomes symbols of a vocabulary: normal form, lower case, and characters or bytes."""

from dataclasses import dataclass

from charrnn.data.decoding import transformed
from charrnn.data.vocab import Tokens


@dataclass(frozen=True)
class TextRules:
    """What the data section of a config says about text. Its keys have the same names."""

    tokens: Tokens = "char"
    normalize: str = "none"
    lowercase: bool = False

    def fold(self, text: str) -> str:
        """The text in the normal form and in lower case, where asked."""
        if self.normalize == "none" and not self.lowercase:
            return text
        return "".join(transformed([text], self.normalize, self.lowercase))

    def spell(self, text: str) -> str:
        """The symbols of a folded text: its characters; or for bytes the character of each byte's number."""
        return text.encode().decode("latin-1") if self.tokens == "byte" else text

    def unspell(self, symbols: str) -> str:
        """The folded text that spell() gave these symbols for."""
        return symbols.encode("latin-1").decode() if self.tokens == "byte" else symbols
