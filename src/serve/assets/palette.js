// Goes to a page, task, run, file or mode by a few letters of its name.

import { make } from "./element.js";
import { call } from "./net.js";

// Entries that are shown, at most.
const MOST = 12;

// `typed`: what the field has at first.
export async function openPalette(typed) {
  if (document.querySelector("dialog[open]")) return;
  const field = make("input", { type: "text", value: typed, autocomplete: "off", spellcheck: false, role: "combobox", "aria-label": "Go to", "aria-controls": "palette-list", "aria-expanded": "true", placeholder: "Task, run, mode or page" });
  const list = make("ul", { id: "palette-list", role: "listbox", "aria-label": "Found" });
  const none = make("p", { className: "quiet", role: "status" });
  const dialog = make("dialog", { className: "palette", "aria-label": "Go to" }, field, list, none);
  let all = [...document.querySelectorAll(".head nav a")].map((link) => ({ kind: "page", name: link.textContent, about: "", href: link.pathname }));
  let at = 0;
  const draw = () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = all.filter(({ kind, name, about }) => { const text = `${kind} ${name} ${about}`.toLowerCase(); return words.every((word) => text.includes(word)); }).slice(0, MOST);
    at = Math.max(0, Math.min(at, found.length - 1));
    list.replaceChildren(...found.map(({ kind, name, about, href }, place) => {
      const option = make("li", { id: `palette-${place}`, role: "option", "aria-selected": String(place === at) },
        make("span", { className: "quiet", textContent: kind }), make("b", { textContent: name }), make("span", { className: "quiet about", textContent: about }));
      option.dataset.href = href;
      return option;
    }));
    list.hidden = !found.length;
    none.textContent = found.length ? "" : "Nothing has this name.";
    if (found.length) field.setAttribute("aria-activedescendant", `palette-${at}`);
    else field.removeAttribute("aria-activedescendant");
  };
  const go = (option) => { if (option) location.href = option.dataset.href; };
  field.addEventListener("input", () => { at = 0; draw(); });
  field.addEventListener("keydown", (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by) { event.preventDefault(); at = Math.max(0, at + by); draw(); }
    if (event.key === "Enter") { event.preventDefault(); go(list.children[at]); }
  });
  list.addEventListener("click", (event) => go(event.target.closest("li")));
  dialog.onclose = () => dialog.remove();
  document.body.append(dialog);
  draw();
  dialog.showModal();
  field.focus();
  const [runs, tasks, modes, files] = await Promise.all(["/api/runs", "/api/tasks", "/api/modes", "/api/files"].map((path) => call("GET", path).catch(() => ({}))));
  all = [
    ...all,
    ...(runs.runs ?? []).map(({ runId, task, mode, state }) => ({ kind: "run", name: `${task} ${mode}`, about: state.replace("_", " "), href: `/now/${runId}` })),
    ...(tasks.tasks ?? []).map(({ id, title }) => ({ kind: "task", name: id, about: title ?? "", href: `/tasks/${id}` })),
    ...(files.files ?? []).map(({ name }) => ({ kind: "file", name, about: "edit", href: `/edit/${name.split("/").map(encodeURIComponent).join("/")}` })),
    ...(modes.modes ?? []).map(({ name, description }) => ({ kind: "mode", name, about: description ?? "", href: `/?mode=${encodeURIComponent(name)}` })),
  ];
  if (dialog.isConnected) draw();
}
