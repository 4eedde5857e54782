// What the text would give: modes, the tree of tasks, and the prompt of a chosen pair.

import { ask } from "../net.js";
import { make } from "../element.js";

export class Preview {
  constructor(editor) {
    this.editor = editor;
    this.modes = make("ul", { className: "edit-modes", tabIndex: 0, "aria-label": "Modes" });
    this.tasks = make("div", { className: "edit-tree", tabIndex: 0, "role": "group", "aria-label": "Tasks" });
    this.mode = make("select", { name: "mode" });
    this.task = make("select", { name: "task" });
    this.prompt = make("div", { className: "edit-prompt" });
    this.old = make("p", { className: "quiet", textContent: "The manifest cannot be used now: this is the last usable text's.", hidden: true });
    this.modesPart = part("Modes", this.modes);
    this.tasksPart = part("Tasks", this.tasks);
    this.promptPart = part("Prompt", make("div", { className: "edit-pair" }, make("label", {}, "Mode ", this.mode), make("label", {}, "Task ", this.task)), this.prompt);
    this.tasksPart.open = true;
    this.mode.onchange = this.task.onchange = this.promptPart.ontoggle = () => this.render();
    this.element = make("section", { className: "card edit-part", "aria-labelledby": "edit-result" }, make("h2", { textContent: "What it gives", id: "edit-result" }), this.old, this.tasksPart, this.modesPart, this.promptPart);
  }

  show({ modes, tasks, taskCount }) {
    // While the manifest is unusable, the last result stays.
    this.usable = modes.length > 0;
    this.old.hidden = this.usable;
    if (!this.usable) return;
    this.modesPart.firstChild.textContent = `Modes (${modes.length})`;
    this.modes.replaceChildren(...modes.map(({ name, description, interactive }) => make("li", {}, make("b", { textContent: name }), " ",
      make("span", { className: "quiet", textContent: `${interactive ? "interactive" : "headless"}${description ? `: ${description}` : ""}` }))));
    this.tasksPart.firstChild.textContent = `Tasks (${taskCount})`;
    this.tasks.replaceChildren(tree(tasks));
    if (taskCount > tasks.length) this.tasks.append(make("p", { className: "quiet", textContent: `and ${taskCount - tasks.length} more` }));
    choices(this.mode, modes.map(({ name }) => name), modes.find(({ name, interactive }) => name !== "none" && !interactive)?.name);
    choices(this.task, tasks.map(({ id }) => id));
    this.render();
  }

  async render() {
    const { editor } = this;
    if (!this.promptPart.open || !editor.code || !this.usable) return;
    const [mode, task] = [this.mode.value, this.task.value];
    if (!mode || !task) { this.prompt.replaceChildren(make("p", { className: "quiet", textContent: "There is no task." })); return; }
    this.asked?.abort();
    const asked = this.asked = new AbortController();
    let shown;
    try {
      const body = editor.dirty ? { files: { [editor.name]: editor.text } } : {};
      const answer = await ask("POST", `/api/render/${mode}/${task}`, { body, signal: asked.signal });
      shown = rendered(await answer.json());
    } catch (error) {
      if (error.name === "AbortError") return;
      shown = [make("p", { className: "bad", textContent: error.message }), ...error.problems?.length ? [make("p", { className: "quiet", textContent: error.problems[0].message })] : []];
    }
    if (asked !== this.asked) return;
    this.prompt.replaceChildren(...shown);
  }
}

const part = (name, ...children) => make("details", {}, make("summary", { textContent: name }), ...children);

// The options of a select; the chosen one stays if it can.
function choices(select, names, first = names[0]) {
  if ([...select.options].map(({ value }) => value).join("\n") === names.join("\n")) return;
  const chosen = names.includes(select.value) ? select.value : first;
  select.replaceChildren(...names.map((name) => make("option", { value: name, textContent: name })));
  if (chosen) select.value = chosen;
}

// Tasks below their parents, in the given order.
function tree(tasks) {
  const known = new Set(tasks.map(({ id }) => id));
  const below = Map.groupBy(tasks, ({ parent }) => known.has(parent) ? parent : "");
  const seen = new Set();
  const list = (parent) => {
    const items = (below.get(parent) ?? []).filter(({ id }) => !seen.has(id) && seen.add(id));
    if (!items.length) return [];
    return [make("ul", {}, ...items.map((task) => make("li", {}, ...line(task), ...list(task.id))))];
  };
  const roots = list("");
  // Tasks that are below each other in a circle.
  const left = tasks.filter(({ id }) => !seen.has(id));
  return make("div", {}, ...roots, ...left.length ? [make("ul", {}, ...left.map((task) => make("li", {}, ...line(task))))] : []);
}

function line({ id, title, mode, gate, dependsOn = [] }) {
  const facts = [...mode ? [mode] : [], ...gate ? ["waits for approval"] : [], ...dependsOn.length ? [`after ${dependsOn.join(", ")}`] : []];
  return [make("b", { textContent: id }), ` ${title === id ? "" : title}`, ...facts.length ? [make("span", { className: "quiet", textContent: ` ${facts.join(" · ")}` })] : []];
}

function rendered({ prompt, argv, cwd }) {
  return [
    prompt === undefined ? make("p", { className: "quiet", textContent: "It gets no prompt." }) : make("pre", { textContent: prompt, tabIndex: 0, "role": "region", "aria-label": "Prompt" }),
    make("p", { className: "quiet" }, make("code", { textContent: argv.join(" ") }), " in ", make("code", { textContent: cwd })),
  ];
}
