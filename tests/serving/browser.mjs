// As much of a browser as the pages of serving/link_pages.py need: runs a page's script, sends the forms that it
// shows, and says what it asked the API and which forms are left. In: {script, forms, hash} as JSON, and where the API
// refuses `problem`, where each form is sent twice at once `twice`; out: {calls, said, address, shown}.

import { readFileSync } from "node:fs";

const page = JSON.parse(readFileSync(0, "utf8"));
const said = { textContent: "", focus() {} };
const calls = [];
const sent = [];
let address = "/page" + page.hash;

const forms = page.forms.map(({ data, fields }) => ({
  dataset: data,
  fields,
  elements: {},
  hidden: false,
  addEventListener(_name, handler) {
    this.submit = () => handler({ preventDefault() {} });
  },
}));

globalThis.addEventListener = () => {};
globalThis.document = { forms, querySelector: () => said };
globalThis.location = { hash: page.hash, pathname: "/page" };
globalThis.history = { replaceState: (_state, _title, to) => (address = to) };
globalThis.FormData = class {
  constructor(form) {
    this.form = form;
  }
  [Symbol.iterator]() {
    return Object.entries(this.form.fields)[Symbol.iterator]();
  }
};
globalThis.fetch = async (url, { method, body }) => {
  calls.push({ url, method, body: JSON.parse(body) });
  return { ok: !page.problem, json: async () => page.problem };
};

new Function(page.script)();
for (const form of forms) {
  if (form.hidden) continue;
  sent.push(form.submit());
  if (page.twice) sent.push(form.submit());
}
await Promise.all(sent);
console.log(JSON.stringify({ calls, said: said.textContent, address, shown: forms.map((form) => !form.hidden) }));
