// The manifest's JSON Schema: what may stand at a path of keys, and its description. Pure.

import { ITEM } from "./place.js";

// The part of the schema for each kind of file.
export function rootOf(schema, kind) {
  if (kind === "local") return { $ref: "#/$defs/LOCAL" };
  if (kind === "subtasks") return { type: "array", items: { $ref: "#/$defs/SUBTASK" } };
  return schema;
}

const refer = (schema, node) => node.$ref ? schema.$defs?.[node.$ref.split("/").at(-1)] ?? {} : node;

// A node and its alternatives.
function alternatives(schema, node) {
  const full = refer(schema, node);
  const others = [...full.anyOf ?? [], ...full.allOf ?? [], ...(full.oneOf ?? []).filter((one) => one.$ref || one.type)];
  return [full, ...others.flatMap((other) => alternatives(schema, other))];
}

// Everything that may stand at `path`.
export function nodesAt(schema, root, path) {
  let nodes = alternatives(schema, root);
  for (const step of path) {
    nodes = nodes.flatMap((node) => {
      const next = step === ITEM ? node.items : node.properties?.[step] ?? (typeof node.additionalProperties === "object" ? node.additionalProperties : null);
      return next ? alternatives(schema, next) : [];
    });
  }
  return nodes;
}

// The keys of a mapping at `path`: { name, about, type, nested, list }.
export function keysAt(schema, root, path) {
  const keys = new Map();
  for (const { properties = {}, required = [] } of nodesAt(schema, root, path)) {
    for (const [name, node] of Object.entries(properties)) {
      if (keys.has(name)) continue;
      const all = alternatives(schema, node);
      const has = (type) => all.some((one) => [one.type].flat().includes(type));
      keys.set(name, {
        name, about: aboutOf(all), type: typeOf(all), required: required.includes(name),
        nested: has("object") && !has("string"), list: has("array") && !has("string"),
        of: has("array") ? alternatives(schema, all.find(({ items }) => items)?.items ?? {}) : [],
      });
    }
  }
  return [...keys.values()];
}

const wordsOf = (node) => [
  ...(node.const === undefined ? [] : [{ value: node.const, about: node.description ?? "" }]),
  ...(node.enum ?? []).map((value) => ({ value, about: "" })),
  ...(node.oneOf ?? []).filter((one) => one.const !== undefined).map((one) => ({ value: one.const, about: one.description ?? "" })),
  ...(node.oneOf ?? []).flatMap((one) => (one.enum ?? []).map((value) => ({ value, about: one.description ?? "" }))),
  ...([node.type].flat().includes("boolean") ? [{ value: true, about: "" }, { value: false, about: "" }] : []),
];

// The words that may stand at `path`: { value, about }.
export function valuesAt(schema, root, path) {
  const seen = new Set();
  return nodesAt(schema, root, path).flatMap(wordsOf).filter(({ value }) => !seen.has(value) && seen.add(value));
}

// Whether a mode's name or a task's id is expected at `path`.
export function namesAt(schema, root, path) {
  const texts = nodesAt(schema, root, path).map(({ pattern, maxLength }) => ({ pattern: pattern ?? "", maxLength }));
  if (texts.some(({ pattern }) => pattern.startsWith("^[A-Za-z0-9_][A-Za-z0-9_-]"))) return "modes";
  return texts.some(({ pattern, maxLength }) => maxLength === 64 && pattern.startsWith("^[A-Za-z0-9_](")) ? "tasks" : null;
}

// The description and the type of what may stand at `path`; null if the schema does not know it.
export function describe(schema, root, path) {
  const nodes = nodesAt(schema, root, path);
  if (!nodes.length) return null;
  return { about: aboutOf(nodes), type: typeOf(nodes), words: nodes.flatMap(wordsOf) };
}

const aboutOf = (nodes) => [...new Set(nodes.map(({ description }) => description).filter(Boolean))].join(" ");

const NAMES = { array: "list", object: "mapping", string: "text", integer: "number", number: "number", boolean: "true or false" };

function typeOf(nodes) {
  const words = nodes.flatMap(wordsOf).map(({ value }) => value).filter((value) => typeof value !== "boolean");
  if (words.length) return words.join(" | ");
  const types = nodes.flatMap(({ type }) => [type].flat()).filter((type) => type && type !== "null");
  return [...new Set(types.map((type) => NAMES[type] ?? type))].join(" or ");
}
