// How fast an exported page writes, in Node: characters in a second of processor time, the best of five runs.
//
//     charrnn export runs/quickstart page.html --to web
//     node benchmarks/page.js page.html

"use strict";

const fs = require("fs");

const page = fs.readFileSync(process.argv[2], "utf8");
const [, data, script] = page.match(/<script type="application\/json" id="model">(.*?)<\/script>\s*<script>(.*?)<\/script>/s);
const mathematics = script.slice(0, script.indexOf("// The page of"));  // without what needs a browser
const measure = new Function("model", `${mathematics}
  const network = new Network(model), vocab = new Vocab(model.vocab);
  const options = { length: 4000, temp: 0.8, topK: 0, topP: 1, minP: 0, until: "" };
  let best = 0;
  for (let run = 0; run < 5; run++) {
    const began = process.cpuUsage().user;
    for (const _ of write(network, vocab, [], options, new Random(run))) ;
    best = Math.max(best, (1e6 * options.length) / (process.cpuUsage().user - began));
  }
  return best;`);
console.log(`${Math.round(measure(JSON.parse(data))).toLocaleString("en")} characters a second`);
