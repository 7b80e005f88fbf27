"use strict";

// What a classifier or tagger predicts for a text. Nothing here touches the page.

/** One vector for a text out of those of its steps; see charrnn/nn/pooling.py. */
function pooled(outputs, kind, size) {
  const steps = outputs.length;
  return Float64Array.from(outputs[0], (_, k) => {
    if (kind === "last") return outputs[k < size ? steps - 1 : 0][k];
    const values = outputs.map((output) => output[k]);
    return kind === "max" ? values.reduce((a, b) => Math.max(a, b)) : values.reduce((a, b) => a + b, 0) / steps;
  });
}

/** Scores as probabilities, or as numbers in their own unit. */
function predictions(scores, { output, means, deviations }) {
  if (output === "softmax") return softmax(scores);
  return scores.map((score, k) => (output === "sigmoid" ? sigmoid(score) : score * deviations[k] + means[k]));
}

/** The ids of symbols; what the model does not know is read as unknown. */
const idsOf = (symbols, vocab) => symbols.map((symbol) => vocab.id(symbol));

/** Predict the labels or numbers of a text that is not empty. A generator that yields nothing after each step. */
function* classify(network, vocab, labels, text) {
  const outputs = yield* network.outputs(idsOf(vocab.spell(vocab.fold(text)), vocab));
  return predictions(network.scoresOf(pooled(outputs, network.pooling, network.levels[0][0].size)), labels);
}

/** The units of a text that a tagger labels: tokens between blanks, symbols between separators, or characters. */
function unitsOf(vocab, { tokens, separator }, text) {
  if (tokens) return text.split(/\s+/u).filter(Boolean).map((token) => vocab.fold(token));
  if (separator !== null) return text.split(separator).filter(Boolean).map((symbol) => vocab.fold(symbol));
  return Array.from(vocab.fold(text));
}

/**
 * Predict the label of each unit: the softmax of the mean of its symbols' scores, which is the geometric mean of their
 * probabilities. A generator that yields nothing after each step; returns [{unit, p}].
 */
function* tag(network, vocab, labels, text) {
  const ids = [], bounds = [];
  for (const unit of unitsOf(vocab, labels, text)) {
    if (labels.tokens && ids.length) ids.push(vocab.id(" "));
    const first = ids.length;
    ids.push(...idsOf(vocab.spell(unit), vocab));
    bounds.push({ unit, first, stop: ids.length });
  }
  const outputs = yield* network.outputs(ids);
  return bounds.map(({ unit, first, stop }) => {
    const mean = new Float64Array(labels.names.length);
    for (const output of outputs.slice(first, stop)) {
      network.scoresOf(output).forEach((score, k) => { mean[k] += score / (stop - first); });
    }
    return { unit, p: softmax(mean) };
  });
}
