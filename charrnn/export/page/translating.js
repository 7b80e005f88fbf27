"use strict";

// What a translator writes for a source. Nothing here touches the page.

const BETWEEN_TAGS = new RegExp(`(?:${BLANKS.source}|;)+`, "u");

/** The symbols that a model reads: those of the text, and after them the tags of its features' cells. */
function sourceSymbols(vocab, text, cells) {
  const tags = cells.flatMap((cell) => cell.split(BETWEEN_TAGS)).filter(Boolean);
  return [...vocab.spell(vocab.fold(text)), ...tags.map((tag) => `<${tag}>`)];
}

/** The sum of the products of two vectors. */
const dot = (a, b) => a.reduce((sum, value, k) => sum + value * b[k], 0);

/** An encoder, a decoder, and attention between them; see charrnn/nn/bridge.py and attention.py. */
class Translator {
  constructor(model) {
    const arrays = unpack(model);
    const layer = (name) => (arrays[`${name}.weight`] ? new Linear(arrays, name) : null);
    this.encoder = new Stack(arrays, "encoder.", model.network, model.network.bidirectional);
    this.decoder = new Stack(arrays, "decoder.", model.network, false);
    this.bridge = layer("bridge");
    [this.query, this.key, this.score] = ["query", "key", "score"].map((name) => layer(`attention.${name}`));
    this.attended = layer("attention.output");
    this.output = layer("output");
  }

  /** Read a source, one symbol or more, for which the decoder begins. A generator that yields nothing after each step. */
  *read(ids) {
    this.memory = yield* this.encoder.outputs(ids);
    this.keys = this.key ? this.memory.map((h) => this.key.of(h).slice()) : this.memory;
    const first = this.bridge.of(pooled(this.memory, "last", this.encoder.size)).map(Math.tanh);
    let start = 0;
    for (const state of this.decoder.levels.flatMap(([layer]) => layer.states)) {
      state.set(first.subarray(start, start + state.length));
      start += state.length;
    }
  }

  /** How well a state of the decoder goes with each step of the source. */
  scores(s) {
    if (!this.query) return this.keys.map((key) => dot(key, s));
    const query = this.query.of(s);
    return this.keys.map((key) => this.score.of(key.map((value, k) => Math.tanh(value + query[k])))[0]);
  }

  /** Read the latest symbol of a target, at first its end; return the probabilities of the next. */
  step(id) {
    const s = this.decoder.read(id);
    if (!this.attended) return softmax(this.output.of(s));
    const weights = softmax(this.scores(s)), width = this.memory[0].length;
    const both = new Float64Array(width + s.length);
    this.memory.forEach((h, t) => { for (let k = 0; k < width; k++) both[k] += weights[t] * h[k]; });
    both.set(s, width);
    return softmax(this.output.of(this.attended.of(both).map(Math.tanh)));
  }
}

/**
 * Write the target of a source greedily, with at most `most` symbols. A generator that yields nothing after each step;
 * returns {symbols: [{id, p}], p, isCut}, where p is the probability of all of it; of a target that is cut, without its
 * end.
 */
function* translate(translator, ids, end, most) {
  yield* translator.read(ids);
  const symbols = [];
  let all = 1, last = end;
  for (;;) {
    const probabilities = translator.step(last);
    const p = probabilities.reduce((a, b) => Math.max(a, b));
    last = probabilities.indexOf(p);
    if (last === end) return { symbols, p: all * p, isCut: false };
    if (symbols.length === most) return { symbols, p: all, isCut: true };
    symbols.push({ id: last, p });
    all *= p;
    yield;
  }
}
