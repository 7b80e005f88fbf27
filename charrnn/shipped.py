"""What comes with charrnn besides code: ready-made configs, their JSON Schema and the bundled tales.

In a wheel these files lie in the package, in the folder `_shipped`. In a checkout they are the repository's own folders
`configs` and `data`; there is no second copy. This module only finds them. It reads no config, writes nothing,
downloads nothing, and imports only the standard library.
"""

import difflib
from pathlib import Path

PREFIX = "shipped:"  # of a text's name in data.path
SCHEMA = "charrnn.schema.json"
PRONUNCIATIONS = "https://raw.githubusercontent.com/sigmorphon/2020/master/task1/data"  # Gorman et al. 2020
SPELLINGS = "https://raw.githubusercontent.com/coastalcph/histnorm/master/datasets/historical/german"  # Bollmann 2019
SOURCES = {  # texts that shipped configs need and charrnn does not bring, with the place where they are to be had
    "tinyshakespeare.txt": "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
    "fre_train.tsv": f"{PRONUNCIATIONS}/train/fre_train.tsv",
    "fre_dev.tsv": f"{PRONUNCIATIONS}/dev/fre_dev.tsv",
    "fre_test.tsv": f"{PRONUNCIATIONS}/test/fre_test.tsv",
    **{f"german-ridges.{part}.txt": f"{SPELLINGS}/german-ridges.{part}.txt" for part in ("train", "dev", "test")},
}


def folder() -> Path:
    """The folder that holds `configs` and `data`: inside an installed package, else the root of the checkout."""
    package = Path(__file__).parent
    installed = package / "_shipped"
    return installed if installed.is_dir() else package.parent


def configs() -> dict[str, Path]:
    """The shipped configs, in alphabetical order: each name, such as `quickstart`, with its file."""
    return {path.stem: path for path in sorted((folder() / "configs").glob("*.yaml"), key=lambda path: path.stem)}


def find_config(name: str | Path) -> Path:
    """The file that the argument CONFIG of a command means.

    `name` is a path, or the name of a shipped config. A file of that very name in the current folder wins. Returns the
    path of the shipped config, or `name` itself, whether it exists or not. Raises nothing.
    """
    path = Path(name)
    return path if path.is_file() else configs().get(str(name), path)


def config_hint(name: str | Path) -> str:
    """What to say of a CONFIG that cannot be read: the names of the shipped configs, and what `name` may have meant.

    That is a YAML file of the same name, with another ending, or the shipped config with the nearest name.
    """
    names = list(configs())
    beginning = str(name).removesuffix(Path(name).suffix)
    paths = [Path(f"{beginning}{suffix}") for suffix in (".yaml", ".yml")]
    near = [str(path) for path in paths if path.is_file()] or difflib.get_close_matches(
        Path(name).stem[:80].lower(), names, 1
    )
    return f"the name of a shipped config ({', '.join(names)}){f'; did you mean {near[0]}?' if near else ''}"


def find_text(name: str) -> str:
    """The file that a path of the data section means.

    `name` is a path, which is returned as it is, or the name of a shipped text after `shipped:`. Then the path of the
    shipped file is returned, or `name` itself if charrnn brings no such text. Raises nothing.
    """
    text = name.removeprefix(PREFIX)
    if text == name or text not in texts():
        return name
    return str(folder() / "data" / text)


def texts() -> list[str]:
    """The names of the shipped texts and sets of examples, in alphabetical order."""
    return sorted(path.name for path in (folder() / "data").glob("*") if path.suffix in (".tsv", ".txt"))


def text_hint(name: str) -> str:
    """What to add to the message that there is no text `name`: where it is to be had; empty if that is not known."""
    if name in SOURCES:
        return f"; download it from {SOURCES[name]} and save it under this name"
    if name.startswith(PREFIX):
        return f"; the shipped texts are {', '.join(PREFIX + text for text in texts())}"
    return ""


def schema() -> str:
    """The URI of the JSON Schema of configs, a file of this installation; if there is no such file, its plain name."""
    path = folder() / "configs" / SCHEMA
    return path.resolve().as_uri() if path.is_file() else SCHEMA
