// The tab Prompt of a run: what it was started with. All of it is set as text; of variables only the names are known.

import { make } from "../element.js";
import { call } from "../net.js";
import { copyable } from "../notice.js";
import { commandLine } from "../shell.js";

const REACHED = {
  arg: "It was the last argument.",
  stdin: "It came by standard input.",
  file: "It waited in a file that was named to the agent.",
};

const heading = (text) => make("h2", { textContent: text });
const text = (label, words) => make("pre", { tabIndex: 0, role: "region", "aria-label": label, textContent: words });

// The elements that describe the run's start.
export async function promptOf(run) {
  const sent = await call("GET", `/api/runs/${run}/prompt`);
  const shown = [heading("Prompt")];
  if (sent.prompt) shown.push(text("Prompt", sent.prompt), make("p", { className: "quiet", textContent: REACHED[sent.delivery] ?? "" }));
  else shown.push(make("p", { className: "quiet", textContent: "It got no prompt." }));
  if (sent.given !== undefined) shown.push(heading("Of it, given for this run"), text("Given for this run", sent.given));
  shown.push(heading("Command"), copyable(commandLine(sent.argv)));
  if (sent.extras.length) shown.push(make("p", { className: "quiet" }, "Arguments given for this run: ", make("code", { textContent: commandLine(sent.extras) })));
  shown.push(make("p", { className: "quiet" }, "Folder: ", make("code", { textContent: sent.cwd })));
  if (sent.resumes) shown.push(make("p", { className: "quiet" }, "It went on in the conversation of ", make("a", { href: `/runs/${sent.resumes}`, textContent: "an earlier run" }), "."));
  shown.push(heading("Environment"), ...environment(sent));
  return shown;
}

function environment({ env, passEnv }) {
  if (!env) return [make("p", { className: "quiet", textContent: "Its record is older and does not name them." })];
  const names = (label, list) => list.length ? [make("p", {}, `${label} `, make("code", { textContent: list.join(" ") }))] : [];
  return [
    ...names("From the manifest (env):", env),
    ...names("Passed on from the command or server that started the run, where set there (pass_env):", passEnv),
    make("p", { className: "quiet", textContent: "Beside them PATH HOME LANG LC_* TERM SHELL USER TMPDIR XDG_* of that command or server, and DISPATCH_*. Their values are not recorded." }),
  ];
}
