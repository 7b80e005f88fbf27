"use strict";

// The page of a classifier or tagger: a box that answers as one types.

const MOST_BARS = 12;  // labels that are shown
const COLOURS = 6;  // of the labels of a tagger

const model = JSON.parse(document.getElementById("model").textContent);
const network = new Network(model);
const vocab = new Vocab(model.vocab);
const labels = model.labels;
const number = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });

/** The likeliest labels as bars; yes/no labels in their order if they are few; numbers as numbers. */
function showBars(values) {
  const order = Array.from(values.keys());
  if (labels.output === "softmax" || order.length > MOST_BARS) order.sort((a, b) => values[b] - values[a] || a - b);
  const chosen = chosenLabels(values, labels);
  byId("bars").replaceChildren(...order.slice(0, MOST_BARS).map((k) => {
    const item = document.createElement("li");
    item.className = chosen.includes(k) ? "drawn" : "";
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

/** Predict for the text in the box; a change of the text begins anew. */
function answer() {
  const text = byId("source").value;
  const isTagger = model.task === "tag";
  const units = isTagger ? unitsOf(vocab, labels, text) : [vocab.fold(text)].filter(Boolean);
  if (units.length) {
    const note = noteOfUnknown(units.flatMap((unit) => vocab.spell(unit)), vocab);
    answerWith((isTagger ? tag : classify)(network, vocab, labels, text), isTagger ? showUnits : showBars, note);
    return;
  }
  stopWork();
  byId("status").textContent = "";
  byId("bars").replaceChildren();
  byId("units").replaceChildren();
}

byId("form").addEventListener("submit", (event) => event.preventDefault());
byId("source").addEventListener("input", answer);
const parameters = new URLSearchParams(location.hash.slice(1));
byId("source").value = parameters.get("text") ?? byId("source").value;
answer();
