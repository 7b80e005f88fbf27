"use strict";

// The page of a language model: what is typed is coloured by surprise, and the model writes on from it.

const BARS = 8;  // characters whose probabilities are shown
const MOST_LEVELS = 8;  // of surprise, in bits
const WORK_MS = 12;  // of work at a time; between, the browser draws and listens
const SETTINGS = ["temp", "top-k", "top-p", "min-p", "length", "until", "seed", "pace"];

const model = JSON.parse(document.getElementById("model").textContent);
const network = new Network(model);
const vocab = new Vocab(model.vocab);
const byId = (id) => document.getElementById(id);
const number = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });

// -- text -------------------------------------------------------------------------------------------------------------

/** A symbol as text that shows: control characters have pictures of their own in Unicode. */
function visible(text) {
  return text.replace(/[\0-\x08\x0b-\x1f\x7f]/g, (c) => String.fromCharCode(c === "\x7f" ? 0x2421 : 0x2400 + c.charCodeAt(0)));
}

/** A symbol by itself, so that blanks show too. */
const nameOf = (symbol) => ({ "\n": "⏎", "\t": "⇥", " ": "␣", "\xa0": "⍽" })[symbol] ?? visible(symbol);

/** An id as a bar is labelled: by its symbol; the end of a document, and bytes beyond ASCII, by other names. */
function named(id) {
  if (id === vocab.end) return "end";
  return vocab.bytes && id > 126 ? id.toString(16).padStart(2, "0") : nameOf(vocab.symbols[id]);
}

/** Puts symbols into an element, coloured by surprise; bytes become characters once these are complete. */
class Writer {
  constructor(element) {
    this.element = element;
    element.replaceChildren();
    this.decoder = vocab.bytes ? new TextDecoder() : null;
    this.bits = 0;
    this.span = null;
  }

  add(id, bits) {
    const symbol = vocab.symbols[id] ?? "\ufffd";
    const text = this.decoder ? this.decoder.decode(new Uint8Array([id]), { stream: true }) : symbol;
    this.bits += bits;
    if (text) this.put(text, this.bits);
    if (text) this.bits = 0;
  }

  /** Text of one colour; the latest span is extended if it has the same. */
  put(text, bits) {
    const level = `s${Math.min(Math.floor(bits), MOST_LEVELS)}`;
    if (this.span?.className !== level) {
      this.span = document.createElement("span");
      this.span.className = level;
      this.span.append("");
      this.element.append(this.span);
    }
    this.span.firstChild.appendData(visible(text));
  }
}

// -- settings ---------------------------------------------------------------------------------------------------------

/** The settings as numbers. */
function options() {
  const value = (id) => Number(byId(id).value);
  return {
    temp: value("temp"),
    topK: value("top-k"),
    topP: value("top-p"),
    minP: value("min-p"),
    length: vocab.end === null ? value("length") : 0,
    until: byId("until").value,
  };
}

/** Show the values of the sliders. */
function showValues() {
  for (const output of document.querySelectorAll("output")) {
    const id = output.htmlFor.value, value = Number(byId(id).value);
    const off = { "top-k": 0, "top-p": 1, "min-p": 0 }[id] === value;
    output.value = off ? "off" : number.format(value);
  }
}

/** What comes after # in a link that writes this text again. */
function fragment() {
  const parameters = new URLSearchParams({ prime: byId("prime").value });
  for (const id of SETTINGS) parameters.set(id, byId(id).value);
  return `#${parameters}`;
}

/** Take the settings of a link; say whether there were any. */
function readFragment() {
  const parameters = new URLSearchParams(location.hash.slice(1));
  for (const id of ["prime", ...SETTINGS]) if (parameters.has(id)) byId(id).value = parameters.get(id);
  return location.hash.length > 1;
}

// -- what the model thinks --------------------------------------------------------------------------------------------

const bars = Array.from({ length: Math.min(BARS, vocab.symbols.length) }, () => {
  const item = document.createElement("li");
  const [name, track, share] = ["b", "span", "i"].map((tag) => item.appendChild(document.createElement(tag)));
  const bar = track.appendChild(document.createElement("span"));
  byId("bars").append(item);
  return { item, name, bar, share };
});

/** Show the likeliest characters, and mark the one that was drawn. */
function showBars(weights, drawn) {
  const sum = weights.reduce((a, b) => a + b, 0);
  const order = Array.from(weights.keys()).sort((a, b) => weights[b] - weights[a] || a - b);
  bars.forEach(({ item, name, bar, share }, k) => {
    const id = order[k], p = weights[id] / sum;
    item.className = id === drawn ? "drawn" : "";
    item.hidden = !p;
    name.textContent = p ? named(id) : "";
    bar.style.width = `${100 * p}%`;
    share.textContent = `${(100 * p).toFixed(p < 0.0995 ? 1 : 0)} %`;
  });
}

/** The symbols of what was typed, each with its id, or null for one that a text cannot begin with. */
function typedSymbols() {
  const usable = (id) => (id === vocab.end ? null : id);
  return vocab.spell(vocab.fold(byId("prime").value)).map((symbol) => ({ symbol, id: usable(vocab.id(symbol)) }));
}

/** The ids of what was typed. What the model cannot read is left out. */
const typedIds = () => typedSymbols().flatMap(({ id }) => (id === null ? [] : [id]));

let latest = null;  // {ids, bits}: what the network has read, if that is what was typed; else null

/** Read ids, only the new ones if they continue those read before; returns the surprise of each, in bits. */
function readIds(ids) {
  const isContinued = latest?.ids.length > 0 && latest.ids.every((id, k) => id === ids[k]);
  const bits = isContinued ? latest.bits : [];
  const note = (logits, id) => bits.push(bitsOf(logits, id));
  if (isContinued) {
    for (const id of ids.slice(latest.ids.length)) {
      note(network.logits(), id);
      network.read(id);
    }
  } else {
    begin(network, vocab, ids, note);
  }
  latest = { ids, bits };
  return bits;
}

/** Read what was typed: show it coloured, what is left out of it, and what may follow. */
function readTyped() {
  const symbols = typedSymbols(), ids = typedIds();
  const bits = readIds(ids)[Symbol.iterator]();
  const text = byId("prime").value;
  const writer = new Writer(byId("typed"));
  if (vocab.fold(text) === text) {
    for (const { symbol, id } of symbols) {
      if (id === null) writer.put(symbol, 0);
      else writer.add(id, bits.next().value);
    }
  } else {
    writer.put(text, 0);  // what was read is not letter by letter what was typed
  }
  writer.element.append("\u200b");  // so that a line that was just begun has a height
  const missing = new Set(symbols.filter(({ id }) => id === null).map(({ symbol }) => nameOf(symbol)));
  byId("note").textContent = missing.size ? `Left out, for the model cannot read it: ${[...missing].join(" ")}` : "";
  showBars(weightsOf(drawable(network.logits(), vocab, !ids.length), options()));
}

// -- writing ----------------------------------------------------------------------------------------------------------

let stop = null;  // ends the writing that goes on

/** Texts one after another: one, or as many documents as were asked for, each begun anew. A generator of events. */
function* texts(ids) {
  const random = new Random(Number(byId("seed").value));
  const count = vocab.end === null ? 1 : Number(byId("length").value);
  for (let k = 0; k < count; k++) {
    yield { begins: true };
    yield* write(network, vocab, ids, options(), random);
  }
}

/** Write as the settings say, a bit at a time. */
function start() {
  if (!byId("form").reportValidity()) return;
  stop?.();
  latest = null;
  const ids = typedIds();
  const events = texts(ids);
  const output = byId("text");
  output.replaceChildren();
  let writer = null, count = 0, due = 0, before = performance.now(), working = 0, timer = 0;

  const end = (word) => {
    clearTimeout(timer);
    stop = null;
    byId("write").textContent = "Write";
    const speed = working > 100 ? `, at up to ${number.format(Math.round((1000 * count) / working))} a second` : "";
    byId("status").textContent = `${word} ${number.format(count)} characters${speed}.`;
  };

  /** Put one event on the page; returns its weights, or null for the beginning of a text. */
  const show = (event) => {
    if (event.begins) {
      const paragraph = output.appendChild(document.createElement("div"));
      const prime = paragraph.appendChild(document.createElement("b"));
      const decoder = new Writer(prime);
      for (const id of ids) decoder.add(id, 0);
      writer = new Writer(paragraph.appendChild(document.createElement("span")));
      return null;
    }
    writer.add(event.id, event.bits);
    count++;
    return event;
  };

  const tick = () => {
    const pace = Number(byId("pace").value);
    const began = performance.now();
    due = Math.min(due + (pace * (began - before)) / 1000, Math.max(1, pace / 10));
    before = began;
    let shown = null;  // the latest event that put a character on the page
    while (due >= 1 && performance.now() - began < WORK_MS) {
      const { value, done } = events.next();
      if (done) {
        if (shown) showBars(shown.weights, shown.id);
        working += performance.now() - began;
        return end("Wrote");
      }
      shown = show(value) ?? shown;
      if (!value.begins) due--;
    }
    working += performance.now() - began;
    if (shown) showBars(shown.weights, shown.id);
    timer = setTimeout(tick);
  };

  byId("write").textContent = "Stop";
  byId("status").textContent = "Writing.";
  byId("link").href = fragment();
  stop = () => end("Stopped after");
  timer = setTimeout(tick);
}

// -- the page ---------------------------------------------------------------------------------------------------------

/** What was typed or set has changed: writing ends, for the network now reads something else. */
function changed() {
  stop?.();
  showValues();
  readTyped();
  byId("link").href = fragment();
}

byId("form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (stop) stop();
  else start();
});
byId("another").addEventListener("click", () => {
  byId("seed").value = Number(byId("seed").value) + 1;
  start();
});
byId("prime").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) start();
});
for (const id of ["prime", ...SETTINGS]) if (id !== "pace") byId(id).addEventListener("input", changed);
byId("pace").addEventListener("input", () => { byId("link").href = fragment(); });
byId("coloured").addEventListener("change", (event) => document.body.classList.toggle("plain", !event.target.checked));
byId("fixed").addEventListener("change", (event) => document.body.classList.toggle("fixed", event.target.checked));
addEventListener("hashchange", () => {
  readFragment();
  changed();
  start();
});

byId("top-k").max = Math.min(40, vocab.symbols.length);
if (vocab.end !== null) {
  byId("length-label").textContent = "Texts";
  byId("length").value = model.vocab.end === "\n" ? 10 : 1;
}
const linked = readFragment();
changed();
if (linked || !matchMedia("(prefers-reduced-motion: reduce)").matches) start();
