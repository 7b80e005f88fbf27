"use strict";

// Text and its ids, and drawing new text. Nothing here touches the page.

/** What str.split() of Python takes for blanks, one or more. */
const BLANKS = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/u;

/** The symbols that a model knows; see charrnn/data/vocab.py, and symbols.py for the sides of a translator. */
class Vocab {
  constructor({ symbols, has_unknown, tokens, end, normalize, lowercase }) {
    this.symbols = Array.from(symbols);
    this.ids = new Map(this.symbols.map((symbol, id) => [symbol, id]));
    this.unknown = has_unknown ? this.symbols.length : null;
    this.bytes = tokens === "byte";
    this.blanks = tokens === "space";
    this.end = end ? this.ids.get(end) : null;
    this.normalForm = normalize === "none" ? null : normalize.toUpperCase();
    this.lowercase = lowercase;
  }

  /** The text in the normal form and in lower case, where the training text was. */
  fold(text) {
    const folded = this.lowercase ? text.toLowerCase() : text;
    return this.normalForm ? folded.normalize(this.normalForm) : folded;
  }

  /** The symbols of a folded text: its characters, one for each byte, or what stands between blanks. */
  spell(text) {
    if (this.blanks) return text.split(BLANKS).filter(Boolean);
    return this.bytes ? Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)) : Array.from(text);
  }

  /** The id of a symbol: that of the unknown one, or null without one, for a symbol that the model does not know. */
  id(symbol) {
    return this.ids.get(symbol) ?? this.unknown;
  }
}

/** A generator of random numbers (xorshift128, Marsaglia 2003), the same in every browser. */
class Random {
  constructor(seed) {
    this.state = new Uint32Array([seed, Math.floor(seed / 2 ** 32), 521288629, 88675123]);
    for (let k = 0; k < 64; k++) this.next();  // near seeds begin alike
  }

  /** A number from 0 up to 1. */
  next() {
    const [x, y, z, w] = this.state;
    const t = x ^ (x << 11);
    this.state.set([y, z, w, w ^ (w >>> 19) ^ t ^ (t >>> 8)]);
    return this.state[3] / 2 ** 32;
  }
}

/** The softmax of scores, as a new array. */
function softmax(scores) {
  const largest = scores.reduce((a, b) => Math.max(a, b), -Infinity);
  const p = scores.map((score) => Math.exp(score - largest));
  const sum = p.reduce((a, b) => a + b, 0);
  return p.map((value) => value / sum);
}

/**
 * Unnormalised probabilities from which to draw: divided by the temperature, then without what top k, top p and min p
 * leave out, in this order. The largest is 1. A temperature of 0 keeps the likeliest alone.
 */
function weightsOf(logits, { temp, topK, topP, minP }) {
  const largest = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  if (temp === 0) {
    const likeliest = logits.indexOf(largest);
    return logits.map((_, id) => (id === likeliest ? 1 : 0));
  }
  const weights = logits.map((logit) => Math.exp((logit - largest) / temp));
  if (topK > 0 && topK < weights.length) {
    const least = weights.slice().sort()[weights.length - topK];
    for (let id = 0; id < weights.length; id++) if (weights[id] < least) weights[id] = 0;
  }
  if (topP < 1) {
    const order = Array.from(weights.keys()).sort((a, b) => weights[b] - weights[a] || a - b);
    const goal = topP * order.reduce((sum, id) => sum + weights[id], 0);
    let before = 0;
    for (const id of order) {
      const weight = weights[id];
      if (before >= goal) weights[id] = 0;
      before += weight;
    }
  }
  if (minP > 0) for (let id = 0; id < weights.length; id++) if (weights[id] < minP) weights[id] = 0;
  return weights;
}

/** How surprising a character is, in bits, given the logits before it. */
const bitsOf = (logits, id) => -Math.log2(softmax(logits)[id]);

/** Draw an id in proportion to its weight. */
function draw(weights, random) {
  const goal = random.next() * weights.reduce((a, b) => a + b, 0);
  let sum = 0, last = 0;
  for (let id = 0; id < weights.length; id++) {
    if (!weights[id]) continue;
    sum += weights[id];
    last = id;
    if (sum > goal) return id;
  }
  return last;
}

/**
 * Read a beginning in a network that has forgotten everything; return the logits of what follows. `each` is called with
 * the logits before each id and the id itself.
 */
function begin(network, vocab, ids, each = () => {}) {
  network.clear();
  let logits = network.logits();
  if (vocab.end !== null) logits = network.read(vocab.end);  // a document begins where another has ended
  else if (!ids.length && vocab.ids.has("\n")) logits = network.read(vocab.ids.get("\n"));
  for (const id of ids) {
    each(logits, id);
    logits = network.read(id);
  }
  return logits;
}

/** The logits from which to draw: without the unknown character, and without the end of an empty document. */
function drawable(logits, vocab, isEmpty) {
  const own = logits.slice();
  if (vocab.unknown !== null) own[vocab.unknown] = -Infinity;
  if (vocab.end !== null && isEmpty && vocab.symbols.length > 1) own[vocab.end] = -Infinity;
  return own;
}

/**
 * Write a text after `ids`, or one document. A generator of {id, weights, bits}: what was drawn, from which weights,
 * and how surprising it was to the model.
 *
 * Options: length, 0 for no end; temp, topK, topP, minP, as for weightsOf(); until, a text after which to stop.
 */
function* write(network, vocab, ids, options, random) {
  let logits = begin(network, vocab, ids);
  const until = vocab.spell(options.until);
  const tail = [];  // the last symbols written, as many as `until` has
  for (let length = 0; !options.length || length < options.length; length++) {
    const weights = weightsOf(drawable(logits, vocab, !ids.length && !length), options);
    const id = draw(weights, random);
    if (id === vocab.end) return;
    yield { id, weights, bits: bitsOf(logits, id) };
    tail.push(vocab.symbols[id]);
    if (tail.length > until.length) tail.shift();
    if (until.length && until.every((symbol, k) => tail[k] === symbol)) return;
    logits = network.read(id);
  }
}
