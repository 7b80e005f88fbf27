"""A recurrent layer: the time loop and every matrix product. The equations of one step belong to its cell.

Shapes: T steps, N streams, D inputs, H hidden units, G gates, P planes, S carried states, M = T * N rows. A plane is
one (N, H) array. The layer holds sizes only: parameters are passed in as named views, the carried state as an array
(S, N, H), and the memory of one forward and backward pass as a LayerTape (see tape.py).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from charrnn.arrays import Array, Shape, zeros
from charrnn.nn.contract import Cell, HiddenProduct, Step, Weights
from charrnn.nn.inputs import LayerInput
from charrnn.nn.ops import ONE
from charrnn.nn.packing import GatePacking
from charrnn.nn.products import best_tiling, deep_product, pack, prepare_product
from charrnn.nn.tape import WINDOW_STEPS, Factor, LayerTape, Workspace


@dataclass(frozen=True)
class SingleStep:
    """One step of a layer whose weights are packed once."""

    views: Step
    weights: Weights
    bias: Array  # (G, N, H)
    times_W: Callable[[], Any] | None  # writes W x into the gates; None if the layer looks characters up


class Recurrent:
    """One recurrent layer.

    Arguments: `cell`; `size_in`, D, or V if the layer looks characters up; `hidden_size`, H; `index`, its place in the
    stack, for the parameters' names; `lookup`, whether it reads characters (see inputs.py).
    """

    def __init__(self, cell: Cell, size_in: int, hidden_size: int, index: int, lookup: bool) -> None:
        self.cell = cell
        self.size_in = size_in
        self.hidden_size = hidden_size
        self.index = index
        self.lookup = lookup
        self.packing = GatePacking(cell)
        self._record_names = {field.name for field in fields(cell.record)}

    # -- parameters ---------------------------------------------------------------------------------------------------

    def shapes(self) -> dict[str, Shape]:
        """Name -> shape of the parameters; names follow PyTorch, with one matrix (D, H) for each gate."""
        g, h, k = len(self.cell.gates), self.hidden_size, self.index
        return {
            f"weight_ih_l{k}": (g, self.size_in, h),
            f"weight_hh_l{k}": (g, h, h),
            f"bias_l{k}": (g, h),
            **{f"{name}_l{k}": (h,) for name in self.cell.hidden_bias},
        }

    def bind(self, named: Mapping[str, Array]) -> Weights:
        """This layer's parameters, or gradients, out of all named views: W (G, D, H), U (G, H, H), b (G, H)."""
        k = self.index
        p = Weights(W=named[f"weight_ih_l{k}"], U=named[f"weight_hh_l{k}"], b=named[f"bias_l{k}"])
        for name in self.cell.hidden_bias:
            setattr(p, name, named[f"{name}_l{k}"])
        return p

    def factors(self, length: int, streams: int) -> dict[str, Factor]:
        """Name -> weights of each product: W, unless the layer looks characters up, and the parts of U."""
        shapes = {} if self.lookup else {"W": (min(WINDOW_STEPS, length), len(self.cell.gates), self.size_in)}
        for part in self.cell.products:
            shapes[part.name] = (1, len(part.weights), self.hidden_size)
        factors = {}
        for name, (steps, count, depth) in shapes.items():
            forward = best_tiling(streams, depth, self.hidden_size)
            backward = best_tiling(streams, count * self.hidden_size, depth, stacked=count)
            factors[name] = Factor(steps, count, depth, self.hidden_size, forward, backward)
        return factors

    # -- memory -------------------------------------------------------------------------------------------------------

    def tape(
        self, length: int, streams: int, dtype: npt.DTypeLike, training: bool, work: Workspace, cut: bool = False
    ) -> LayerTape:
        """Memory for windows of up to `length` steps of `streams` streams, which may be `cut` between any two steps."""
        states = zeros((len(self.cell.states), length + 1, streams, self.hidden_size), dtype)
        before = zeros((len(self.cell.states), length, streams, self.hidden_size), dtype) if cut else states[:, :-1]
        return self._tape(training, work, states, before)

    def _tape(self, training: bool, work: Workspace, states: Array, before: Array) -> LayerTape:
        length, streams, dtype = before.shape[1], before.shape[2], before.dtype
        plane = (streams, self.hidden_size)
        tape = LayerTape(
            planes=self.cell.planes,
            activations=zeros((length + training, len(self.cell.planes), *plane), dtype),
            states=states,
            before=before,
            saved={name: zeros((length, *plane), dtype) for name in self.cell.saved},
            factors=self.factors(length, streams),
            packed={},
            transposed={},
            steps=[],
        )
        used = {"W": 0, "U": 0}
        for name, factor in tape.factors.items():
            kind = "W" if name == "W" else "U"
            buffer = work.weights[kind][used[kind] : used[kind] + factor.size]
            used[kind] += factor.size
            count, depth, columns = factor.count, factor.depth, factor.columns
            tape.packed[name] = buffer.reshape(factor.forward.shape(count, depth, columns))
            if training:
                tape.transposed[name] = buffer.reshape(factor.backward.shape(1, count * columns, depth))
        tape.steps = [self._step(tape, t, work) for t in range(length)]
        return tape

    def _step(self, tape: LayerTape, t: int, work: Workspace) -> Step:
        """The record of step t: of all views and products, those that the cell's equations use."""
        views = self._forward_views(tape, t, work)
        if tape.transposed:
            views |= self._gradient_views(tape, t)
        for part in self.cell.products:
            views |= self._products(part, views, tape, work)
        step = self.cell.record()
        for name in self._record_names & views.keys():
            setattr(step, name, views[name])
        return step

    def _forward_views(self, tape: LayerTape, t: int, work: Workspace) -> dict[str, Any]:
        """Name -> view of the planes, the states and the workspace."""
        planes, cell = tape.activations[t], self.cell
        gates = planes[self.packing.gates]
        views: dict[str, Any] = {"gates": gates, "tmp": work.tmp[0], "tmp2": work.tmp[1]}
        views |= dict(zip(cell.planes, planes, strict=True))  # i, f, o, g
        views |= {group: gates[indices] for group, indices in cell.sigmoids.items()}  # ifo
        views |= {name: values[t] for name, values in tape.saved.items()}
        for k, name in enumerate(cell.states):
            views[f"{name}_prev"] = tape.before[k, t]
            views[name] = tape.states[k, t + 1]
            views[f"d{name}"] = work.dstate[k]
        for part in cell.products:
            if part.out == "u":
                views |= self._hidden_views(part, work)
        return views

    def _hidden_views(self, part: HiddenProduct, work: Workspace) -> dict[str, Any]:
        """Name -> view of U h: `u`, and its parts `u_x` for each gate and each group of sigmoid gates."""
        u = work.u[: len(part.weights)]
        views = {f"u_{self.cell.gates[gate]}": plane for gate, plane in zip(part.weights, u, strict=True)}
        for group, indices in self.cell.sigmoids.items():
            first = part.weights.index(indices.start)
            views[f"u_{group}"] = u[first : first + indices.stop - indices.start]
        return views | {"u": u}

    def _gradient_views(self, tape: LayerTape, t: int) -> dict[str, Any]:
        """Name -> gradient of each plane: di, df, do, dg; and `rows` (N, P, H), all of them. See tape.py."""
        streams = tape.activations.shape[2]
        rows = tape.activations[t + 1].reshape(streams, len(self.cell.planes), -1)
        return {f"d{name}": rows[:, k] for k, name in enumerate(self.cell.planes)} | {"rows": rows}

    def _products(self, part: HiddenProduct, views: dict[str, Any], tape: LayerTape, work: Workspace) -> dict[str, Any]:
        """Name -> prepared product: times_U, and for training back_U."""
        factor, name, plane = tape.factors[part.name], part.name, views["tmp"].shape
        left, out = views[part.left][None], views[part.out].reshape(1, -1, *plane)
        products = {f"times_{name}": prepare_product(factor.forward, left, tape.packed[name], out, work.partial_sums)}
        if "rows" in views:
            gradients, dleft = views["rows"][:, part.planes].reshape(1, plane[0], -1), views[part.dleft][None, None]
            products[f"back_{name}"] = prepare_product(
                factor.backward, gradients, tape.transposed[name], dleft, work.partial_sums
            )
        return products

    # -- the time loop ------------------------------------------------------------------------------------------------

    def forward(
        self, p: Weights, inputs: LayerInput, state: Array, tape: LayerTape, work: Workspace, keep: Array | None = None
    ) -> Array:
        """Run a window.

        Arguments:
            p: parameters, from bind().
            inputs: what the layer reads.
            state: (S, N, H), moved on in place.
            keep: (T, N, 1), 0 where the state is set to zero before a step, else 1; only with a tape that allows cuts.
                None sets no state to zero.

        Returns:
            The output h (T, N, H), a view of the tape.
        """
        self.packing.pack(p, tape, work)
        add_input = inputs.prepare(self.packing, p, tape, work)
        tape.states[:, 0] = state
        tape.keep, cut, step = keep, tape.cut, self.cell.step
        assert cut or keep is None, "this tape allows no cuts"
        for t, s in enumerate(tape.steps[: inputs.length]):
            if cut:
                np.multiply(tape.states[:, t], ONE if keep is None else keep[t], out=tape.before[:, t])
            add_input(t, s)
            step(s, p)
        state[...] = tape.states[:, inputs.length]
        return tape.state(0, inputs.length)

    def backward(
        self,
        p: Weights,
        g: Weights,
        inputs: LayerInput,
        dh: Array,
        tape: LayerTape,
        work: Workspace,
        state_gradients: Array | None = None,
    ) -> None:
        """Run back through the window that forward() ran. Gradients and the tape's activations are overwritten.

        Arguments:
            p, g: parameters and gradients, from bind().
            inputs: as for forward(); vectors take their gradient.
            dh: (T, N, H), gradient of the output.
            tape, work: as for forward().
            state_gradients: if given, (S, K, N, H), takes the gradient of the state before each of the first K steps.
        """
        assert tape.transposed, "this tape was made for inference"
        for part in self.cell.products:
            pack([p.U[k].T for k in part.weights], tape.transposed[part.name])
        work.dstate[...] = 0
        dh_step, back = work.dstate[0], self.cell.back
        for t in range(inputs.length - 1, -1, -1):
            dh_step += dh[t]
            back(tape.steps[t])
            if tape.keep is not None:
                work.dstate *= tape.keep[t]
            if state_gradients is not None and t < state_gradients.shape[1]:
                state_gradients[:, t] = work.dstate
        length, streams = dh.shape[:2]
        rows = tape.activations[1 : length + 1].reshape(length * streams, -1, self.hidden_size)
        self._recurrent_gradients(g, rows, length, tape, work)
        dgates = rows[:, self.packing.gates].reshape(len(rows), -1)
        inputs.backward(p, g, dgates, tape, work)

    def _recurrent_gradients(self, g: Weights, rows: Array, length: int, tape: LayerTape, work: Workspace) -> None:
        """Write the gradients of U and of the biases, given those of the planes, `rows` (M, P, H)."""
        for part in self.cell.products:
            left = tape.saved.get(part.left, tape.before[0])[:length].reshape(len(rows), self.hidden_size)
            right = rows[:, part.planes].reshape(len(rows), -1)  # a view
            deep_product(left, right, [g.U[k] for k in part.weights], work.weights["U"])
        sums = np.add.reduce(rows.reshape(len(rows), -1), axis=0).reshape(-1, self.hidden_size)
        g.b[...] = sums[self.packing.gates]
        for name, plane in self.cell.hidden_bias.items():
            getattr(g, name)[...] = sums[self.cell.planes.index(plane)]

    def single_step(self, named: Mapping[str, Array], state: Array, work: Workspace, below: Array | None) -> SingleStep:
        """One step with weights packed once, for reading character by character.

        Arguments:
            named: all parameters by name; copied.
            state: (S, N, H), moved on in place by every step.
            work: memory that no other layer uses.
            below: (1, N, D), the output of the layer below; None if this layer looks characters up.
        """
        streams, p = state.shape[1], self.bind(named)
        for name in self.cell.hidden_bias:
            setattr(p, name, np.tile(getattr(p, name), (streams, 1)))  # adding equal shapes is faster
        strides = (state.strides[0], 0, *state.strides[1:])  # rows 0 and 1 are the same: the state before and after
        states = np.lib.stride_tricks.as_strided(state, (len(state), 2, *state.shape[1:]), strides)
        tape = self._tape(False, work, states, states[:, :1])
        self.packing.pack(p, tape, work)
        s, times_W = tape.steps[0], None
        if below is not None:
            times_W = prepare_product(
                tape.factors["W"].forward, below, tape.packed["W"], s.gates[None], work.partial_sums
            )
        return SingleStep(s, p, work.bias, times_W)
