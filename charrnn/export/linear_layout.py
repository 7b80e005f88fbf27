"""The layers of a network that do not recur, in the layout of PyTorch's Linear: y = W x + b, with W (outputs, inputs).

    output            the output layer, of every network
    bridge            from what the encoder of a translator ends with to all states of its decoder
    attention.query   W_s, of additive attention; see nn/attention.py for what the matrices do
    attention.key     W_h of additive attention, or W_a of general attention
    attention.score   v, of additive attention
    attention.output  W_c and b_c, which read the context and after it the state of the decoder

Only the second of the names here, those of PyTorch, has a dot. All arrays are views.
"""

from collections.abc import Mapping

from charrnn.arrays import Array

MODULES = {"output": "output", "bridge": "bridge", "attention_out": "attention.output"}  # ours: PyTorch's
QUERY, KEY, SCORE = (f"attention.{name}.weight" for name in ("query", "key", "score"))


def torch_linears(value: Mapping[str, Array]) -> dict[str, Array]:
    """The arrays of these layers under the names of PyTorch, as far as a network has them."""
    arrays: dict[str, Array] = {}
    if "attention_key" in value:
        arrays[QUERY], arrays[KEY] = value["attention_weight"].T, value["attention_key"].T
        arrays[SCORE] = value["attention_score"][None]
    elif "attention_weight" in value:
        arrays[KEY] = value["attention_weight"]  # s . W h: a key is W h
    for ours, theirs in MODULES.items():
        if f"{ours}_weight" in value:
            arrays[f"{theirs}.weight"] = value[f"{ours}_weight"].T
            arrays[f"{theirs}.bias"] = value[f"{ours}_bias"]
    return arrays


def own_linears(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Undo torch_linears(). Raises KeyError or IndexError if an array is missing."""
    own: dict[str, Array] = {}
    if QUERY in arrays:
        own["attention_weight"], own["attention_key"] = arrays[QUERY].T, arrays[KEY].T
        own["attention_score"] = arrays[SCORE][0]
    elif KEY in arrays:
        own["attention_weight"] = arrays[KEY]
    for ours, theirs in MODULES.items():
        if f"{theirs}.weight" in arrays:
            own[f"{ours}_weight"] = arrays[f"{theirs}.weight"].T
            own[f"{ours}_bias"] = arrays[f"{theirs}.bias"]
    return own
