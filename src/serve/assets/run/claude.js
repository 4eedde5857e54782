// One event of Claude's stream-json → readable elements. Text is only set as text; unknown events are collapsed.

import { coloured, plain } from "./ansi.js";
import { prose } from "./prose.js";
import { moment, short, toTheSecond } from "../time.js";

// Characters of one text that are shown.
const MOST = 64 * 1024;
// The most telling input of a tool call, in the order of the command line.
const TELLING = ["command", "file_path", "notebook_path", "pattern", "url", "query", "path", "description", "prompt"];

const make = (name, className, text) => {
  const element = document.createElement(name);
  if (className) element.className = className;
  if (text !== undefined) element.append(coloured(cut(String(text))));
  return element;
};
const cut = (text) => text.length > MOST ? `${text.slice(0, MOST)}\n… ${text.length - MOST} characters more: see “Raw”` : text;
const brief = (text, most = 140) => {
  const line = plain(String(text)).split("\n").find((part) => part.trim())?.trim() ?? "";
  return line.length > most ? `${line.slice(0, most)}…` : line;
};
const list = (value) => Array.isArray(value) ? value : [];
const object = (value) => value && typeof value === "object" && !Array.isArray(value) ? value : {};

// A message in Markdown.
function message(text) {
  const box = make("div", "said");
  box.source = String(text);
  box.append(...prose(cut(box.source)));
  return box;
}

// `roots` are searched for the call of a result; `at` is when the line was printed, if known. Null: `line` is no event.
export function readable(line, roots, at = null) {
  let event;
  try {
    event = JSON.parse(line);
  } catch {
    return null;
  }
  if (typeof object(event).type !== "string") return null;
  const box = make("div", `event e-${/^[a-z_]+$/.test(event.type) ? event.type : "other"}${event.parent_tool_use_id ? " below" : ""}`);
  const kinds = { assistant: said, user: said, system, result };
  const nodes = (kinds[event.type] ?? other)(event, roots, box);
  if (!nodes.length && !box.hidden) nodes.push(...other(event));
  box.append(...nodes);
  const when = Date.parse(event.timestamp) || at;
  if (when && !box.hidden) {
    const time = make("time", "edge");
    Object.assign(time, { dateTime: new Date(when).toISOString(), textContent: toTheSecond(when), title: moment(when) });
    box.append(time);
  }
  return box;
}

function said(event, roots, box) {
  const content = object(event.message).content;
  const words = (text) => event.type === "user" ? make("div", "asked", text) : message(text);
  if (typeof content === "string") return [words(content)];
  const nodes = list(content).flatMap((block) => part(object(block), event, roots));
  // All parts were added to their calls.
  box.hidden = nodes.length === 0 && list(content).length > 0;
  return nodes;
}

function part(block, event, roots) {
  if (block.type === "text") return [event.type === "user" ? make("div", "asked", block.text ?? "") : message(block.text ?? "")];
  if (block.type === "thinking") return [folded("thinking", "Thinking", brief(block.thinking ?? ""), block.thinking ?? "")];
  if (block.type === "redacted_thinking") return [make("div", "quiet", "Thinking that is not shown")];
  if (block.type === "tool_use" || block.type === "server_tool_use") return [call(block)];
  if (block.type === "tool_result") return answer(block, roots);
  return [folded("other", block.type ?? "part", "", JSON.stringify(block, null, 2))];
}

function folded(kind, name, words, text) {
  const details = make("details", kind);
  const summary = details.appendChild(document.createElement("summary"));
  summary.append(make("strong", "", name), " ", make("span", "quiet", words));
  if (text) details.append(make("pre", "", text));
  return details;
}

function call(block) {
  const input = object(block.input);
  const telling = TELLING.map((key) => input[key]).find((value) => typeof value === "string");
  const words = telling ?? (Object.keys(input).length ? JSON.stringify(input) : "");
  const details = folded("call", brief(block.name ?? "tool", 60), brief(words), "");
  details.dataset.call = block.id ?? "";
  details.append(make("pre", "input", Object.keys(input).length === 1 && telling !== undefined ? telling : JSON.stringify(input, null, 2)));
  return details;
}

function answer(block, roots) {
  const text = typeof block.content === "string" ? block.content
    : list(block.content).map((piece) => object(piece).text ?? `[${object(piece).type ?? "part"}]`).join("\n");
  const failed = block.is_error === true;
  const result = make("pre", `answer${failed ? " bad" : ""}`, text);
  const calls = typeof block.tool_use_id === "string" ? roots.flatMap((root) => [...root.querySelectorAll(`[data-call="${CSS.escape(block.tool_use_id)}"]`)]) : [];
  const details = calls[0];
  if (!details) {
    const alone = folded(`call${failed ? " failed" : ""}`, failed ? "Error" : "Result", brief(text), "");
    alone.append(result);
    return [alone];
  }
  // May be rendered again: chunks of the log are removed and added.
  details.querySelector(".answer")?.remove();
  details.append(result);
  if (failed && !details.classList.contains("failed")) {
    details.classList.add("failed");
    details.querySelector("summary").append(make("span", "flag", "error"));
  }
  return [];
}

function system(event) {
  if (event.subtype === "init") {
    const parts = [event.model, event.cwd, event.permissionMode && `permissions: ${event.permissionMode}`, event.tools && `${list(event.tools).length} tools`];
    return [make("div", "quiet", `Started · ${parts.filter(Boolean).map((part) => brief(part, 120)).join(" · ")}`)];
  }
  if (event.subtype === "permission_denied") return [folded("call failed", "Refused", brief(event.tool_name ?? ""), event.message ?? "")];
  if (event.subtype === "api_retry") {
    const wait = Number(event.retry_delay_ms) / 1000 || 0;
    return [make("div", "quiet", `Retry ${Number(event.attempt) || 0}/${Number(event.max_retries) || 0} in ${wait.toFixed(1)}s: ${brief(event.error ?? "")}`)];
  }
  return [];
}

function result(event, roots) {
  const failed = event.is_error !== false || (event.subtype && event.subtype !== "success");
  const card = make("div", `result${failed ? " bad" : ""}`);
  const facts = [failed ? `Failed: ${brief(event.subtype ?? "error").replaceAll("_", " ")}` : "Success"];
  if (typeof event.num_turns === "number") facts.push(event.num_turns === 1 ? "1 turn" : `${event.num_turns} turns`);
  if (typeof event.total_cost_usd === "number") facts.push(`$${event.total_cost_usd.toFixed(event.total_cost_usd < 0.1 ? 4 : 2)}`);
  if (typeof event.duration_ms === "number") facts.push(event.duration_ms < 60_000 ? `${(event.duration_ms / 1000).toFixed(1)}s` : short(event.duration_ms / 1000));
  card.append(make("strong", "", facts.join(" · ")));
  const words = typeof event.result === "string" ? event.result : list(event.errors).join("\n");
  // Usually equal to the last message.
  const before = [...roots[0].querySelectorAll(".said")].at(-1)?.source;
  if (words && words.trim() !== before?.trim()) card.append(message(words));
  return [card];
}

const other = (event) => [folded("other", brief([event.type, event.subtype].filter((word) => typeof word === "string").join(" · "), 80), "", JSON.stringify(event, null, 2))];
