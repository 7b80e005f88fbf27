"use strict";

// What a classifier or tagger predicts for a text. Nothing here touches the page.

/** Scores as probabilities, or as numbers in their own unit. */
function predictions(scores, { output, means, deviations }) {
  if (output === "softmax") return softmax(scores);
  return scores.map((score, k) => (output === "sigmoid" ? sigmoid(score) : score * deviations[k] + means[k]));
}

/** The positions of the labels that are predicted: the likeliest; or those that reach their thresholds; of numbers none. */
function chosenLabels(values, { output, thresholds }) {
  if (output === "softmax") return [values.indexOf(values.reduce((a, b) => Math.max(a, b)))];
  return output === "sigmoid" ? Array.from(values.keys()).filter((k) => values[k] >= (thresholds[k] ?? 0.5)) : [];
}

/** The ids of symbols; what the model does not know is read as unknown. */
const idsOf = (symbols, vocab) => symbols.map((symbol) => vocab.id(symbol));

/** Predict the labels or numbers of a text that is not empty. A generator that yields nothing after each step. */
function* classify(network, vocab, labels, text) {
  const outputs = yield* network.stack.outputs(idsOf(vocab.spell(vocab.fold(text)), vocab));
  return predictions(network.output.of(pooled(outputs, network.pooling, network.stack.size)), labels);
}

/** The units of a text that a tagger labels: tokens between blanks, symbols between separators, or characters. */
function unitsOf(vocab, { tokens, separator }, text) {
  if (tokens) return text.split(BLANKS).filter(Boolean).map((token) => vocab.fold(token));
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
  const outputs = yield* network.stack.outputs(ids);
  return bounds.map(({ unit, first, stop }) => {
    const mean = new Float64Array(labels.names.length);
    for (const output of outputs.slice(first, stop)) {
      network.output.of(output).forEach((score, k) => { mean[k] += score / (stop - first); });
    }
    return { unit, p: softmax(mean) };
  });
}
