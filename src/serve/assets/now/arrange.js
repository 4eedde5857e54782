// The order of the list: what ended stays where it was until the next choice, and nothing moves while the pointer
// moves over the list. Changes the server's list before it is merged into the page's; independent of the pages.

// After the pointer's last move the list keeps its order for this time, in milliseconds.
const REST = 1200;

export class Arrangement {
  // Runs that ended and stay in the group of this name.
  #stays = new Map();
  // Runs that arrived and were not chosen yet.
  #fresh = new Set();
  #touched = -REST;
  #timer = 0;
  // A choice was made since the last rendering.
  #chose = false;

  // The pointer moved over the list.
  touched() {
    this.#touched = performance.now();
  }

  // A choice: every row goes to its place.
  settle(run) {
    this.#stays.clear();
    this.#chose = true;
    this.#fresh.delete(run);
    this.#touched = -REST;
  }

  // Orders `wanted` after `have`. If rows were kept from moving by the pointer, `again` is called when it rests.
  apply(have, wanted, again) {
    const old = [...have.querySelectorAll(".now-item")];
    const all = new Map([...wanted.querySelectorAll(".now-item")].map((item) => [item.dataset.run, item]));
    const left = this.#touched + REST - performance.now();
    const kept = new Map();
    for (const item of old) {
      const { run, group } = item.dataset;
      const next = all.get(run);
      if (!next) continue;
      // Before a choice's rendering, rows that stayed are still in their old groups.
      if (!this.#chose && next.dataset.group === "ended" && group !== "ended") this.#stays.set(run, group);
      if (next.dataset.group !== "ended") this.#stays.delete(run);
      if (left > 0 || this.#stays.has(run)) kept.set(run, left > 0 ? group : this.#stays.get(run));
    }
    this.#chose = false;
    this.#order(old, wanted, all, kept);
    const known = new Set(old.map((item) => item.dataset.run));
    for (const [run, item] of all) {
      if (old.length && !known.has(run)) this.#fresh.add(run);
      item.classList.toggle("new", this.#fresh.has(run));
    }
    for (const run of this.#fresh) if (!all.has(run)) this.#fresh.delete(run);
    clearTimeout(this.#timer);
    if (left > 0) this.#timer = setTimeout(again, left + 20);
  }

  // Moves the `kept` rows to the group and place that they have.
  #order(old, wanted, all, kept) {
    if (!kept.size) return;
    for (const head of [...wanted.querySelectorAll(".now-group")]) {
      const { group } = head.dataset;
      const here = [...all.values()].filter((item) => (kept.get(item.dataset.run) ?? item.dataset.group) === group && !kept.has(item.dataset.run));
      old.filter((item) => item.dataset.group === group).forEach(({ dataset: { run } }, at) => {
        if (kept.get(run) === group) here.splice(Math.min(at, here.length), 0, all.get(run));
      });
      for (const item of here) if (kept.has(item.dataset.run)) { item.dataset.group = group; item.classList.add("stays"); }
      if (here.length) { head.hidden = false; head.querySelector(".none")?.remove(); }
      wanted.append(head, ...here);
    }
  }
}
