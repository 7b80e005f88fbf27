"use strict";

// A trained network in plain JavaScript: its weights are unpacked, and its layers read one character at a time.
//
// The equations are those of docs/maths.md; rows of weights are in the layout of PyTorch: one row for each gate and
// unit, gates in the order i, f, g, o (lstm) or r, z, n (gru). Weights are kept in 32 bits and all sums in 64. Nothing
// here touches the page, so that the tests run the same file without a browser.

// -- weights ----------------------------------------------------------------------------------------------------------

/** The bytes that base64 stands for. */
function bytesOf(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let k = 0; k < text.length; k++) bytes[k] = text.charCodeAt(k);
  return bytes;
}

/** The number that 16 bits stand for (IEEE 754 binary16); infinities do not occur. */
function half(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  return exponent ? sign * (1024 + fraction) * 2 ** (exponent - 25) : sign * fraction * 2 ** -24;
}

/** Unpack all matrices of a model: name -> {rows, columns, values}, row by row. */
function unpack({ arrays, data }) {
  const view = new DataView(bytesOf(data).buffer);
  const unpacked = {};
  for (const { name, rows, columns, type, start } of arrays) {
    const size = rows * columns;
    const values = new Float32Array(size);
    if (type === "float32") {
      for (let k = 0; k < size; k++) values[k] = view.getFloat32(start + 4 * k, true);
    } else if (type === "float16") {
      for (let k = 0; k < size; k++) values[k] = half(view.getUint16(start + 2 * k, true));
    } else {  // int8: the scale of each row comes first
      for (let k = 0; k < size; k++) {
        const scale = view.getFloat32(start + 4 * Math.floor(k / columns), true);
        values[k] = view.getInt8(start + 4 * rows + k) * scale;
      }
    }
    unpacked[name] = { rows, columns, values };
  }
  return unpacked;
}

/** A matrix with rows and columns exchanged, so that what was a column lies side by side. */
function transposed({ rows, columns, values }) {
  const turned = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    for (let k = 0; k < columns; k++) turned[k * rows + row] = values[row * columns + k];
  }
  return { rows: columns, columns: rows, values: turned };
}

/** Add `rows` rows of a matrix times a vector x to `out`, from row `first` on. Eight rows at a time are fastest. */
function addProduct(out, { values, columns }, x, first, rows) {
  const last = first + rows;
  let row = first;
  for (; row + 8 <= last; row += 8) {
    const p = row * columns, q = p + columns, r = q + columns, s = r + columns;
    const p2 = s + columns, q2 = p2 + columns, r2 = q2 + columns, s2 = r2 + columns;
    let a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0;
    for (let k = 0; k < columns; k++) {
      const value = x[k];
      a += values[p + k] * value;
      b += values[q + k] * value;
      c += values[r + k] * value;
      d += values[s + k] * value;
      e += values[p2 + k] * value;
      f += values[q2 + k] * value;
      g += values[r2 + k] * value;
      h += values[s2 + k] * value;
    }
    out[row] += a;
    out[row + 1] += b;
    out[row + 2] += c;
    out[row + 3] += d;
    out[row + 4] += e;
    out[row + 5] += f;
    out[row + 6] += g;
    out[row + 7] += h;
  }
  for (; row < last; row++) {
    const p = row * columns;
    let sum = 0;
    for (let k = 0; k < columns; k++) sum += values[p + k] * x[k];
    out[row] += sum;
  }
}

// -- cells ------------------------------------------------------------------------------------------------------------

const sigmoid = (x) => 1 / (1 + Math.exp(-x));
const ACTIVATIONS = { tanh: Math.tanh, relu: (x) => Math.max(x, 0), sigmoid };
const GATES = { rnn: 1, lstm: 4, gru: 3 };

/** One step of each cell. On entry `a` holds W x + b of all gates and `u` the biases of U h; H units. */
const CELLS = {
  rnn({ a, u, h, U, f }, H) {
    addProduct(u, U, h, 0, H);
    for (let k = 0; k < H; k++) h[k] = f(a[k] + u[k]);
  },

  lstm({ a, u, h, c, U }, H) {
    addProduct(u, U, h, 0, 4 * H);
    for (let k = 0; k < H; k++) {
      const i = sigmoid(a[k] + u[k]);
      const f = sigmoid(a[k + H] + u[k + H]);
      const g = Math.tanh(a[k + 2 * H] + u[k + 2 * H]);
      const o = sigmoid(a[k + 3 * H] + u[k + 3 * H]);
      c[k] = f * c[k] + i * g;
      h[k] = o * Math.tanh(c[k]);
    }
  },

  /** The reset gate acts after the product with U (PyTorch), or before it (Cho et al. 2014). */
  gru({ a, u, h, scratch, U, resetAfter }, H) {
    addProduct(u, U, h, 0, (resetAfter ? 3 : 2) * H);
    if (!resetAfter) {
      for (let k = 0; k < H; k++) scratch[k] = sigmoid(a[k] + u[k]) * h[k];
      addProduct(u, U, scratch, 2 * H, H);
    }
    for (let k = 0; k < H; k++) {
      const r = resetAfter ? sigmoid(a[k] + u[k]) : 1;
      const z = sigmoid(a[k + H] + u[k + H]);
      const n = Math.tanh(a[k + 2 * H] + r * u[k + 2 * H]);
      h[k] = n + z * (h[k] - n);
    }
  },
};

/** A recurrent layer that reads ids or vectors in one direction, with its own state. */
class Layer {
  constructor(arrays, name, suffix, { cell, activation, reset }, readsIds) {
    const W = arrays[`${name}.weight_ih_${suffix}`];
    this.W = readsIds ? transposed(W) : W;
    this.U = arrays[`${name}.weight_hh_${suffix}`];
    this.b = arrays[`${name}.bias_ih_${suffix}`].values;
    this.bHidden = arrays[`${name}.bias_hh_${suffix}`].values;
    this.cell = CELLS[cell];
    this.f = ACTIVATIONS[activation];
    this.resetAfter = reset === "after";
    const size = this.size = this.U.columns;
    this.rows = GATES[cell] * size;
    [this.a, this.u] = [new Float64Array(this.rows), new Float64Array(this.rows)];
    [this.h, this.c, this.scratch] = [new Float64Array(size), new Float64Array(size), new Float64Array(size)];
    this.states = cell === "lstm" ? [this.h, this.c] : [this.h];
  }

  /** Forget all that was read. */
  clear() {
    for (const state of this.states) state.fill(0);
  }

  /** Read one input, the id of a character or a vector; return h, which the next step overwrites. */
  step(x) {
    const { a, u, b, W } = this;
    u.set(this.bHidden);
    if (typeof x === "number") {  // the product with a one-hot vector is a column, here a row
      for (let k = 0, p = x * W.columns; k < a.length; k++, p++) a[k] = b[k] + W.values[p];
    } else {
      a.set(b);
      addProduct(a, W, x, 0, this.rows);
    }
    this.cell(this, this.size);
    return this.h;
  }
}

/** Recurrent layers one above another, with the embedding below them if there is one, of one part of a model. */
class Stack {
  constructor(arrays, part, { num_layers: count, skip_connections: hasSkips, ...settings }, isBidirectional) {
    this.embedding = arrays[`${part}embedding.weight`];
    this.levels = Array.from({ length: count }, (_, k) =>
      (isBidirectional ? [`l${k}`, `l${k}_reverse`] : [`l${k}`])
        .map((suffix) => new Layer(arrays, `${part}rnn`, suffix, settings, !k && !this.embedding)));
    this.size = this.levels[0][0].size;
    this.total = hasSkips ? new Float64Array(this.size) : null;  // sum of what all layers put out
  }

  /** What the first layer reads of a symbol. */
  input(id) {
    if (!this.embedding) return id;
    const { values, columns } = this.embedding;
    return values.subarray(id * columns, (id + 1) * columns);
  }

  /** Forget all that was read. */
  clear() {
    for (const level of this.levels) for (const layer of level) layer.clear();
  }

  /** What a stack that reads in one direction has put out last: of the top layer, or the sum of all layers. */
  get output() {
    if (!this.total) return this.levels.at(-1)[0].h;
    this.total.fill(0);
    for (const [{ h }] of this.levels) for (let k = 0; k < h.length; k++) this.total[k] += h[k];
    return this.total;
  }

  /** Read one symbol, in a stack that reads in one direction; return what it puts out. */
  read(id) {
    let x = this.input(id);
    for (const [layer] of this.levels) x = layer.step(x);
    return this.output;
  }

  /**
   * What the top level puts out at each step of a whole text: forward in the first half of each vector, backward in
   * the second. A generator that yields nothing after each step, so that its caller may stop or pause.
   */
  *outputs(ids) {
    this.clear();
    let inputs = ids.map((id) => this.input(id));
    for (const level of this.levels) {
      const size = level[0].size;
      const outputs = ids.map(() => new Float64Array(size * level.length));
      for (const [direction, layer] of level.entries()) {
        for (let k = 0; k < ids.length; k++) {
          const t = direction ? ids.length - 1 - k : k;
          outputs[t].set(layer.step(inputs[t]), direction * size);
          yield;
        }
      }
      inputs = outputs;
    }
    return inputs;
  }
}

/** A layer that does not recur: W x + b, or W x where there is no b. The next call overwrites the result. */
class Linear {
  constructor(arrays, name) {
    this.weight = arrays[`${name}.weight`];
    this.out = new Float64Array(this.weight.rows);
    this.bias = arrays[`${name}.bias`]?.values ?? this.out.slice();
  }

  of(x) {
    this.out.set(this.bias);
    addProduct(this.out, this.weight, x, 0, this.out.length);
    return this.out;
  }
}

/** One vector for a text out of those of its steps; see charrnn/nn/pooling.py. `size` is that of one direction. */
function pooled(outputs, kind, size) {
  const steps = outputs.length;
  return Float64Array.from(outputs[0], (_, k) => {
    if (kind === "last") return outputs[k < size ? steps - 1 : 0][k];
    const values = outputs.map((output) => output[k]);
    return kind === "max" ? values.reduce((a, b) => Math.max(a, b)) : values.reduce((a, b) => a + b, 0) / steps;
  });
}

/** The network of a language model, classifier or tagger; `model` is what the page holds. */
class Network {
  constructor(model) {
    const arrays = unpack(model);
    this.stack = new Stack(arrays, "", model.network, model.network.bidirectional);
    this.output = new Linear(arrays, "output");
    this.pooling = model.network.pooling;
  }

  /** Forget all that was read. */
  clear() {
    this.stack.clear();
  }

  /** The logits of the next character, after what was read; of a language model. The next call overwrites them. */
  logits() {
    return this.output.of(this.stack.output);
  }

  /** Read one character; return the logits of the next. */
  read(id) {
    return this.output.of(this.stack.read(id));
  }
}
