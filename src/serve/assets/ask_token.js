// Asks the user for the token: the page has none, or that of an earlier server. What the page shows stays below it, with
// all that was typed there.

import { make } from "./element.js";
import { setToken, token } from "./net.js";
import { copyable, message } from "./notice.js";

const main = document.getElementById("main");

// `age` is a sentence that says how old the content of the page is; empty while the page has none.
export function askToken(age = "") {
  if (document.getElementById("ask-token")) return;
  const head = token() ? "The server was started again" : "This page needs the token";
  const box = message(head, "A new server has a new token. `dispatch serve --open` opens a page that has it, and this one takes it over; or paste what this command prints:");
  box.id = "ask-token";
  if (age) box.firstChild.after(make("p", { textContent: age }));
  const field = make("input", { type: "password", autocomplete: "off", name: "token" });
  const said = make("p", { className: "hint", role: "alert" });
  const form = make("form", { id: "token" }, make("label", {}, "Token ", field), make("button", { textContent: "Use it" }), said);
  form.onsubmit = async (event) => {
    event.preventDefault();
    if (!field.value.trim()) return;
    const good = await setToken(field.value.trim());
    if (good) {
      box.remove();
      main.focus();
      return;
    }
    said.textContent = good === false ? "The server refuses this token: `dispatch token` prints the one that it takes." : "The server does not answer. Try again when it runs.";
  };
  box.append(copyable("dispatch token"), form);
  main.querySelector(".loading")?.remove();
  main.before(box);
}
