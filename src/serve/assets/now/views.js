// The logs and terminals of the runs that were shown last. They stay alive and keep their scroll position, search and
// content; the one that was not shown for longest is closed when there are too many.

const MOST = 12;

export class Views {
  // Run → { panel, host, view, wanted }, the last shown one at the end.
  #alive = new Map();
  #root = null;
  #left;
  current = "";

  // `left()` is called when the keyboard leaves a terminal.
  constructor({ left }) {
    this.#left = left;
  }

  has(run) {
    return this.#alive.has(run);
  }

  // Moves the views into `root`, which a new rendering may have made.
  adopt(root) {
    if (this.#root === root) return;
    this.#root = root;
    root.addEventListener("leave-terminal", (event) => { event.preventDefault(); this.#left(); });
    for (const entry of this.#alive.values()) {
      root.append(entry.panel);
      // An element that leaves the page loses its scroll position.
      const { view } = entry;
      if (view?.top !== undefined && !view.paused) view.lines.scrollTop = view.top;
    }
  }

  // `facts`: the data of the run's row.
  show(facts) {
    const { run } = facts;
    this.hide();
    this.current = run;
    let entry = this.#alive.get(run);
    if (entry) this.#alive.delete(run);
    else entry = this.#make(facts);
    this.#alive.set(run, entry);
    entry.panel.classList.remove("out");
    entry.panel.inert = false;
    entry.view?.resume?.();
    while (this.#alive.size > MOST) this.#close(this.#alive.keys().next().value);
  }

  hide() {
    const entry = this.#alive.get(this.current);
    this.current = "";
    if (!entry) return;
    if (entry.panel.contains(document.activeElement)) document.activeElement.blur();
    entry.view?.pause?.();
    entry.panel.classList.add("out");
    entry.panel.inert = true;
  }

  #make(facts) {
    const { run, mode, task, headless } = facts;
    const panel = document.createElement("div");
    panel.className = "view";
    panel.dataset.view = run;
    const host = document.createElement("div");
    host.className = headless ? "log" : "run-terminal";
    Object.assign(host.dataset, { run, mode, task });
    panel.append(host);
    this.#root?.append(panel);
    const entry = { panel, host, view: null };
    this.#note(entry, facts);
    this.#load(entry, headless);
    return entry;
  }

  async #load(entry, headless) {
    const Made = headless ? (await import("../run/log.js")).LogView : (await import("../run/terminal.js")).TerminalView;
    // It was closed meanwhile.
    if (this.#alive.get(entry.host.dataset.run) !== entry) return;
    entry.view = new Made(entry.host, { focus: false });
    if (this.current !== entry.host.dataset.run) entry.view.pause?.();
    else if (entry.wanted) this.do(entry.wanted);
  }

  #note(entry, { running, active, state }) {
    const { host, view } = entry;
    const before = `${host.dataset.running} ${host.dataset.active}`;
    Object.assign(host.dataset, { running, active, state });
    if (before !== `${running} ${active}`) view?.update?.();
  }

  // After a rendering: runs may have started or ended.
  update(rows) {
    for (const facts of rows) {
      const entry = this.#alive.get(facts.run);
      if (entry) this.#note(entry, facts);
    }
  }

  // The command that saves the run's log.
  note(run, save) {
    const entry = this.#alive.get(run);
    if (entry) entry.host.dataset.save = save;
  }

  #close(run) {
    const entry = this.#alive.get(run);
    this.#alive.delete(run);
    entry.view?.dispose?.();
    entry.panel.remove();
  }

  // `focus`: the keyboard goes to the terminal or log; `find`: to the field of its search; `follow`: as its button.
  // False if the shown view cannot do it.
  do(what) {
    const entry = this.#alive.get(this.current);
    if (!entry) return false;
    if (!entry.view) { entry.wanted = what; return true; }
    if (what === "focus") { entry.view.focus(); return true; }
    const goal = entry.panel.querySelector(what === "find" ? ".find input" : ".follow:not([hidden])");
    if (what === "find") { goal?.focus(); goal?.select(); } else goal?.click();
    return Boolean(goal);
  }
}
