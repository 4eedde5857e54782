// "Send a line": lines are queued and sent one at a time, once, in order. Refused lines are listed to be sent again.

import { Unreachable, call } from "../net.js";
import { toast } from "../notice.js";

const make = (name, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
};

export class Lines {
  #waiting = [];
  #sending = false;

  // `list` shows refused lines, `state` the number of queued ones.
  constructor({ path, form, list, state }) {
    Object.assign(this, { path, list, state, field: form.elements.text });
    form.onsubmit = (event) => {
      event.preventDefault();
      this.#enter([this.field.value]);
      this.field.value = "";
    };
  }

  #enter(lines) {
    this.#waiting.push(...lines);
    this.#send();
  }

  async #send() {
    if (this.#sending) return;
    this.#sending = true;
    while (this.#waiting.length) {
      this.#show();
      try {
        await call("POST", this.path, { text: this.#waiting[0] });
        this.#waiting.shift();
      } catch (error) {
        // A later line may depend on this one, so it is not sent before it.
        this.#giveBack(this.#waiting.splice(0), error);
      }
    }
    this.#sending = false;
    this.#show();
  }

  #show() {
    const behind = this.#waiting.length - 1;
    this.state.textContent = behind > 0 ? `${behind} more ${behind === 1 ? "line waits" : "lines wait"} to be sent` : "";
  }

  #giveBack(lines, error) {
    const hint = error instanceof Unreachable ? "The first of them may have arrived all the same: look at the terminal before you send it again." : error.hint;
    toast(lines.length > 1 ? `${lines.length} lines were not sent: ${error.message}` : `Not sent: ${error.message}`, { hint, bad: true });
    if (lines.length === 1 && !this.field.value && !this.list.children.length) this.field.value = lines[0];
    else this.list.append(...lines.map((line) => this.#row(line)));
    this.#listed();
  }

  #row(line) {
    const button = (text, what, act) => make("button", { type: "button", ariaLabel: `${what}: ${line}`, onclick: act }, text);
    const row = make("li", {}, make("span", { className: "line" }, line),
      button("Edit", "Edit", () => this.#edit(row, line)),
      button("×", "Discard", () => { row.remove(); this.#listed(); }));
    row.line = line;
    return row;
  }

  // Swaps the field's text and the line.
  #edit(row, line) {
    const typed = this.field.value;
    this.field.value = line;
    if (typed) row.replaceWith(this.#row(typed));
    else row.remove();
    this.#listed();
    this.field.focus();
  }

  #listed() {
    const rows = [...this.list.children].filter((row) => "line" in row);
    this.list.querySelector(".again")?.remove();
    this.list.hidden = !rows.length;
    if (!rows.length) return;
    const again = () => { this.list.replaceChildren(); this.#listed(); this.#enter(rows.map(({ line }) => line)); };
    this.list.append(make("li", { className: "again" }, make("button", { type: "button", onclick: again }, rows.length > 1 ? "Send them again" : "Send it again")));
  }
}
