"""The benchmark of languages runs from end to end, beside a stub of langid."""

import json
import os
import shutil
import subprocess
import sys

from tests.support.processes import ROOT, TIMEOUT, call, environment

LANGID = """\
model = "weights"


class LanguageIdentifier:
    nb_classes = ["fr", "en", "de"]

    @classmethod
    def from_modelstring(cls, string):
        assert string == model
        return cls()

    def set_languages(self, codes):
        assert codes == ["de", "en"]

    def classify(self, text):
        return ("en" if len(text) > 3 or text[0] == "a" else "de"), -1.0
"""


def test_languages_are_told_apart_beside_langid_on_whole_lines_and_on_their_beginnings(tmp_path):
    shutil.copytree(ROOT / "benchmarks", tmp_path / "benchmarks", ignore=shutil.ignore_patterns("results"))
    (tmp_path / "langid").mkdir()
    (tmp_path / "langid" / "__init__.py").touch()  # without it an installed langid would come first
    (tmp_path / "langid" / "langid.py").write_text(LANGID)
    (tmp_path / "texts").mkdir()
    for language, lines, form in [("en", 20, "aaa {} the"), ("de", 20, "ccc {} der"), ("xx", 60, "aaa {} zzz")]:
        text = "".join(form.format(k) + "\n" for k in range(lines))
        (tmp_path / "texts" / f"{language}.txt").write_text(text)
    config = "task: classify\ndata: {path: texts, format: files, fractions: [0.6, 0.2, 0.2]}\nmodel: {cell: ngram}\n"
    (tmp_path / "my.yaml").write_text(config)
    assert call("train", "my.yaml", cwd=tmp_path).code == 0
    path = os.pathsep.join([str(tmp_path), environment()["PYTHONPATH"]])
    command = [sys.executable, "benchmarks/languages.py", "runs/my", "--cut", "3", "--json", "shares.json"]
    done = subprocess.run(
        command, env=environment(PYTHONPATH=path), capture_output=True, text=True, timeout=TIMEOUT, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    _, _, *rows, last = done.stdout.splitlines()
    assert [[cell.strip() for cell in row.strip("|").split("|")] for row in rows] == [
        ["all", "100.0", "100.0", "50.0"],
        ["3", "66.7", "50.0", "100.0"],  # by three characters English is taken for the third language, which has more
    ]
    assert last == "20 lines in 3 languages, of which langid knows 2"
    shares = json.loads((tmp_path / "shares.json").read_text())
    assert shares["None"]["langid"] == {"de": 0, "en": 1}
    assert shares["3"]["charrnn"] == {"de": 1, "en": 0, "xx": 1}
