// Completion of keys and values from the schema, and of the names of modes and tasks.

import { startCompletion } from "/assets/vendor/codemirror.mjs";
import { placeAt } from "./place.js";
import { ITEM } from "./place.js";

// `knows`: { keys(path), values(path), names(path) }.
export const completions = (knows) => (context) => {
  const text = context.state.doc.toString();
  const place = placeAt(text, context.pos);
  if (!place || !context.explicit && !place.word && place.kind === "key") return null;
  const options = place.kind === "key" ? [...keyOptions(knows, place, text, context.pos), ...place.path.at(-1) === ITEM ? valueOptions(knows, place) : []] : valueOptions(knows, place);
  if (!options.length) return null;
  return { from: place.from, options, validFor: /^[\w.-]*$/ };
};

function keyOptions(knows, place, text, at) {
  const hasColon = /^[^\n]*?:(\s|$)/.test(text.slice(at, text.indexOf("\n", at) < 0 ? undefined : text.indexOf("\n", at)));
  return knows.keys(place.path).filter(({ name }) => !place.used.includes(name)).map((key) => ({
    label: key.name, detail: key.required ? `${key.type}, required` : key.type, info: key.about || undefined, type: "property", boost: key.required ? 1 : 0,
    apply: hasColon ? key.name : (view, completion, from, to) => {
      const pad = " ".repeat(place.indent + 2);
      const objects = key.list && key.of.some(({ properties }) => properties);
      const [before, after] = place.flow ? [`${key.name}: `, ""] : key.nested ? [`${key.name}:\n${pad}`, ""] : objects ? [`${key.name}:\n${pad}- `, ""] : key.list ? [`${key.name}: [`, "]"] : [`${key.name}: `, ""];
      view.dispatch({ changes: { from, to, insert: before + after }, selection: { anchor: from + before.length }, userEvent: "input.complete" });
      const next = placeAt(view.state.doc.toString(), from + before.length);
      if (next && next.kind === "value" && valueOptions(knows, next).length) startCompletion(view);
    },
  }));
}

function valueOptions(knows, { path }) {
  const words = knows.values(path).map(({ value, about }) => ({ label: String(value), info: about || undefined, type: "enum" }));
  return [...words, ...knows.names(path).map(({ name, about }) => ({ label: name, detail: about || undefined, type: "variable" }))];
}
