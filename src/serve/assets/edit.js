// The editor of the manifest and its subtask files: text, problems while typing, a preview, saving, drafts and conflicts.

import { Editor } from "./edit/editor.js";

const name = location.pathname.split("/").slice(2).join("/");

export const title = "Edit";
export const path = () => `/ui/edit${name ? `/${name}` : ""}`;

// A run changes only the header.
export const rowsOf = () => [];

// An error of the header's update does not replace the page.
export const steady = true;

// The keys of the text field, which handles them itself.
export const help = {
  Enter: ["Enter", "type into the text"],
  save: ["Ctrl+S", "save"],
  complete: ["Ctrl+Space", "complete a key or a value"],
  next: ["F8", "next problem"],
  find: ["Ctrl+F", "find and replace"],
  indent: ["Tab / Shift+Tab", "indent; after Ctrl+M they move the focus"],
  leave: ["Esc", "leave the text: the focus goes to Save"],
};

let editor = null;

// A link or button keeps its own action.
export const keys = {
  Enter: ({ target }) => {
    if (target.closest("a, button, summary")) return false;
    editor?.code?.focus();
    return true;
  },
};

export const heard = ({ event }) => { if (event === "plan" || event === "tasks") editor?.lookSoon(); };

export function mount(page) {
  document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href: "/assets/edit.css" }));
  page.drawn = () => {
    const host = document.getElementById("editor");
    if (!host) return;
    const { name, path, kind } = document.getElementById("page").dataset;
    editor ??= new Editor({ name, path, kind });
    if (host.firstElementChild !== editor.element) host.replaceChildren(editor.element);
    else editor.lookSoon();
    editor.start();
  };
}
