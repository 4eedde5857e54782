// Saves a log: downloads a small one, else shows the command that does.

import { bytes } from "../net.js";
import { copyable, refusal, toast } from "../notice.js";

// Larger logs are not downloaded, in bytes.
const MOST = 64 * 1024 * 1024;
const PIECE = 4 * 1024 * 1024;

// `line`: the command that writes the log of stdout.
export async function save({ doc, name, line }) {
  const stream = doc.filter === "stderr" ? "stderr" : "stdout";
  const length = doc.sizes[stream];
  if (length > MOST) {
    const dialog = document.createElement("dialog");
    dialog.setAttribute("aria-label", "Save the log");
    const close = Object.assign(document.createElement("button"), { type: "button", textContent: "Close", autofocus: true });
    close.onclick = () => dialog.close();
    dialog.onclose = () => dialog.remove();
    const words = stream === "stdout" ? "This log is too long for a page. This line writes it into a file:" : "This log is too long for a page. It is the file `stderr.log` in the run's folder.";
    dialog.append(Object.assign(document.createElement("h2"), { textContent: "Save the log" }), Object.assign(document.createElement("p"), { textContent: words }));
    if (stream === "stdout") dialog.append(copyable(line));
    dialog.append(close);
    document.body.append(dialog);
    dialog.showModal();
    return;
  }
  try {
    const parts = [];
    for (let from = 0; from < length; from += PIECE) parts.push((await bytes(doc.path(stream), from, Math.min(from + PIECE, length))).bytes);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob(parts, { type: "application/octet-stream" }));
    link.download = `${name}.${stream}.log`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    toast(`${link.download} is saved.`);
  } catch (error) {
    refusal(error);
  }
}
