"use strict";

// What the pages that answer as one types have in common.

const WORK_MS = 12;  // of work at a time; between, the browser draws and listens

const byId = (id) => document.getElementById(id);

/** A label or symbol by itself, so that a blank one shows. */
const named = (label) => (label.trim() ? label : label.replaceAll(" ", "␣"));

/** An element with text in it. */
function element(tag, text, className = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  made.className = className;
  return made;
}

/** A line on the symbols of a text that the model does not know. */
function noteOfUnknown(symbols, vocab) {
  const unknown = new Set(symbols.filter((symbol) => !vocab.ids.has(symbol)));
  return unknown.size ? `Read as unknown: ${[...unknown].join(" ")}` : "";
}

let timer = 0;  // of the work that goes on

/** End the work that goes on. */
const stopWork = () => clearTimeout(timer);

/** Work through a generator, a bit at a time, then show what it returns and a note. It ends the work before it. */
function answerWith(steps, show, note) {
  stopWork();
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
