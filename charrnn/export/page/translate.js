"use strict";

// The page of a translator: a box, with a field for each feature, that answers as one types.

const MOST_TAGS = 6;  // that a field shows as examples

const model = JSON.parse(document.getElementById("model").textContent);
const translator = new Translator(model);
const source = new Vocab(model.source), target = new Vocab(model.target);
const end = target.symbols.length;

/** A field for the cells of a feature, with some tags that the model knows as an example. */
function field(name, k) {
  const label = element("label", name);
  const input = document.createElement("input");
  label.htmlFor = input.id = `feature-${k}`;
  input.type = "text";
  input.spellcheck = false;
  input.autocapitalize = input.autocomplete = "off";
  const tags = source.symbols.filter((symbol) => /^<.+>$/u.test(symbol)).map((symbol) => symbol.slice(1, -1));
  input.placeholder = `Tags, such as ${tags.slice(0, MOST_TAGS).join(" ")}`;
  byId("features").append(label, input);
  return input;
}

/** What was written, symbol by symbol; the paler, the less certain. */
function show({ symbols, p, isCut }) {
  const between = target.blanks ? " " : "";
  byId("target").replaceChildren(...symbols.flatMap(({ id, p: own }, k) => {
    const made = element("span", target.symbols[id]);
    made.title = `${named(target.symbols[id])} ${(100 * own).toFixed(1)} %`;
    made.style.opacity = 0.5 + 0.5 * own;
    return k ? [between, made] : [made];
  }));
  byId("probability").textContent = `Probability ${(100 * p).toFixed(1)} %${isCut ? ", cut at the greatest length" : ""}`;
}

/** Write the target of the text in the box; a change of the text begins anew. */
function answer() {
  const text = byId("source").value;
  const symbols = sourceSymbols(source, text, fields.map((input) => input.value));
  if (source.spell(source.fold(text)).length) {
    const { factor, more } = model.limit;
    const ids = symbols.map((symbol) => source.id(symbol));
    answerWith(translate(translator, ids, end, factor * ids.length + more), show, noteOfUnknown(symbols, source));
    return;
  }
  stopWork();
  byId("target").replaceChildren();
  for (const id of ["probability", "status"]) byId(id).textContent = "";
}

const fields = model.features.map(field);
byId("form").addEventListener("submit", (event) => event.preventDefault());
byId("form").addEventListener("input", answer);
const parameters = new URLSearchParams(location.hash.slice(1));
byId("source").value = parameters.get("text") ?? byId("source").value;
parameters.getAll("feature").slice(0, fields.length).forEach((cell, k) => { fields[k].value = cell; });
answer();
