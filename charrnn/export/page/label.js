"use strict";

// The page of a classifier or tagger: a box that answers as one types.

const MOST_BARS = 12;  // labels that are shown
const COLOURS = 6;  // of the labels of a tagger
const WORK_MS = 12;  // of work at a time; between, the browser draws and listens

const model = JSON.parse(document.getElementById("model").textContent);
const network = new Network(model);
const vocab = new Vocab(model.vocab);
const labels = model.labels;
const byId = (id) => document.getElementById(id);
const number = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });

/** A label by itself, so that a blank one shows. */
const named = (label) => (label.trim() ? label : label.replaceAll(" ", "␣"));

/** An element with text in it. */
function element(tag, text, className = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  made.className = className;
  return made;
}

/** The likeliest labels as bars; yes/no labels in their order if they are few; numbers as numbers. */
function showBars(values) {
  const order = Array.from(values.keys());
  if (labels.output === "softmax" || order.length > MOST_BARS) order.sort((a, b) => values[b] - values[a] || a - b);
  byId("bars").replaceChildren(...order.slice(0, MOST_BARS).map((k, rank) => {
    const item = document.createElement("li");
    const threshold = labels.thresholds[k] ?? 0.5;
    const isChosen = labels.output === "softmax" ? rank === 0 : labels.output === "sigmoid" && values[k] >= threshold;
    item.className = isChosen ? "drawn" : "";
    item.append(element("b", named(labels.names[k])));
    if (labels.output === "linear") {
      item.append(element("i", number.format(values[k]), "number"));
      return item;
    }
    const track = item.appendChild(document.createElement("span"));
    track.appendChild(document.createElement("span")).style.width = `${100 * values[k]}%`;
    item.append(element("i", `${(100 * values[k]).toFixed(1)} %`));
    return item;
  }));
}

/** Each unit with its likeliest label below it; the paler, the less certain. */
function showUnits(units) {
  byId("units").replaceChildren(...units.map(({ unit, p }) => {
    const best = p.indexOf(p.reduce((a, b) => Math.max(a, b)));
    const label = labels.names[best];
    const chip = element("span", "", label === "O" || !label.trim() ? "unit" : `unit c${best % COLOURS}`);
    chip.title = `${named(label)} ${(100 * p[best]).toFixed(1)} %`;
    chip.style.opacity = 0.4 + 0.6 * p[best];
    chip.append(element("b", unit.trim() ? unit : "␣"), element("i", named(label)));
    return chip;
  }));
}

let timer = 0;  // of the prediction that goes on

/** Predict for the text in the box, a bit at a time; a change of the text begins anew. */
function answer() {
  clearTimeout(timer);
  const text = byId("source").value;
  const isTagger = model.task === "tag";
  const show = isTagger ? showUnits : showBars;
  if (isTagger ? !unitsOf(vocab, labels, text).length : !text) {
    byId("status").textContent = "";
    byId("bars").replaceChildren();
    byId("units").replaceChildren();
    return;
  }
  const read = isTagger ? unitsOf(vocab, labels, text) : [vocab.fold(text)];
  const unknown = new Set(read.flatMap((unit) => vocab.spell(unit)).filter((symbol) => !vocab.ids.has(symbol)));
  const note = unknown.size ? `Read as unknown: ${[...unknown].join(" ")}` : "";
  const steps = (isTagger ? tag : classify)(network, vocab, labels, text);
  const work = () => {
    const began = performance.now();
    while (performance.now() - began < WORK_MS) {
      const { value, done } = steps.next();
      if (done) {
        show(value);
        byId("status").textContent = note;
        return;
      }
    }
    byId("status").textContent = "Reading.";
    timer = setTimeout(work);
  };
  work();
}

byId("form").addEventListener("submit", (event) => event.preventDefault());
byId("source").addEventListener("input", answer);
const parameters = new URLSearchParams(location.hash.slice(1));
byId("source").value = parameters.get("text") ?? byId("source").value;
answer();
