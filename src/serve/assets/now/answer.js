// Answers a waiting window in its row: its last lines, and a field whose text is typed into the window.

import { make } from "../element.js";
import { call, fragment } from "../net.js";

const boxOf = (item) => item?.querySelector(":scope > .answer-box");

// Opens the field in the row, or goes to it.
export function openAnswer(item) {
  const box = boxOf(item) ?? makeBox(item);
  box.querySelector("input").focus();
  return true;
}

function makeBox(item) {
  const { run, mode, task } = item.dataset;
  const lines = make("div", { className: "answer-lines" }, make("p", { className: "quiet", textContent: "…" }));
  const field = make("input", { name: "text", autocomplete: "off", spellcheck: false, "aria-label": `Answer ${task} ${mode}`, placeholder: "Type the answer, Enter sends it" });
  const said = make("p", { className: "said", role: "alert" });
  const form = make("form", {}, field, make("button", { type: "submit", className: "main", textContent: "Send" }));
  const box = make("div", { className: "answer-box", "data-key": "answer", "data-keep": "" }, lines, form, said);
  const close = () => {
    box.remove();
    const row = document.querySelector(`.now-item[data-run="${CSS.escape(run)}"] .now-row`);
    row?.focus();
    row?.parentElement.querySelector("[data-answer]")?.setAttribute("aria-expanded", "false");
  };
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    event.stopPropagation();
    const button = form.querySelector("button");
    if (button.getAttribute("aria-busy")) return;
    button.setAttribute("aria-busy", "true");
    said.textContent = "";
    try {
      await call("POST", `/api/send/${mode}/${task}`, { text: field.value });
      close();
    } catch (error) {
      said.textContent = [error.message, error.hint].filter(Boolean).join("\n");
    }
    button.removeAttribute("aria-busy");
  });
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    close();
  });
  item.append(box);
  item.querySelector("[data-answer]")?.setAttribute("aria-expanded", "true");
  look(item, box);
  return box;
}

async function look(item, box) {
  let lines;
  try {
    lines = (await fragment(`/ui/last/${item.dataset.run}`)).getElementById("last-lines");
  } catch (error) {
    lines = make("p", { className: "quiet", textContent: error.message });
  }
  if (!box.isConnected) return;
  const place = box.querySelector(".answer-lines");
  const shown = document.importNode(lines, true);
  // Two open boxes must not share an id.
  shown.removeAttribute("id");
  if (place.firstElementChild?.textContent !== shown.textContent) place.replaceChildren(shown);
}

// Keeps an open box, and what was typed into it, over a rendering.
export function placeAnswer(have, item) {
  const open = boxOf(have.querySelector(`.now-item[data-run="${CSS.escape(item.dataset.run)}"]`));
  if (!open) return;
  item.append(make("div", { className: "answer-box", "data-key": "answer", "data-keep": "" }));
  item.querySelector("[data-answer]")?.setAttribute("aria-expanded", "true");
}

export function refreshAnswers() {
  for (const box of document.querySelectorAll(".now-item > .answer-box")) look(box.parentElement, box);
}
