// The user interface of a log's search: field, navigation between hits, and marked words.

import { refusal } from "../notice.js";
import { MOST_HITS, Search } from "./search.js";

export class Find {
  // `view` is the log view.
  constructor(view) {
    this.view = view;
    const { $ } = view;
    $(".find").onsubmit = (event) => { event.preventDefault(); this.next(); };
    $(".find input").onkeydown = (event) => { if (event.key === "Enter" && event.shiftKey) { event.preventDefault(); this.#step(-1); } };
    $(".find input").onsearch = () => { if (!$(".find input").value) this.begin(""); };
    $(".prev").onclick = () => this.#step(-1);
    $(".next").onclick = () => this.#step(1);
    $(".cancel").onclick = () => this.cancel();
  }

  cancel() {
    this.search?.cancel();
  }

  begin(words) {
    this.cancel();
    this.search = words ? new Search(this.view.doc, words) : null;
    this.hit = -1;
    this.#show();
  }

  // Searches for the field's text; for the same text goes to the next hit, which the log may have got meanwhile.
  next() {
    const words = this.view.$(".find input").value;
    if (this.search?.words !== words || this.search.stop.signal.aborted) this.begin(words);
    else if (this.search.hits.length) { this.#step(1); return; }
    if (words) this.#scan();
  }

  async #scan() {
    const { search } = this;
    try {
      await this.view.opened;
      await search.run(() => {
        if (search !== this.search) return;
        if (this.hit < 0 && search.hits.length) this.#step(1);
        this.#show();
      });
    } catch (error) {
      refusal(error);
    }
  }

  #step(by) {
    const { search } = this;
    if (!search?.hits.length) return;
    const count = search.hits.length;
    if (by > 0 && this.hit === count - 1 && search.done < this.view.doc.length) this.#scan();
    this.hit = this.hit < 0 ? 0 : (this.hit + by + count) % count;
    this.view.seek(search.hits[this.hit], search.hits[this.hit]).then(() => this.#paintHit(search.words));
    this.#show();
  }

  #show() {
    const { search, view: { $ } } = this;
    const count = search?.hits.length ?? 0;
    $(".prev").disabled = $(".next").disabled = !count;
    $(".cancel").hidden = !search?.running || search.stop.signal.aborted;
    let text = "";
    if (search) {
      const share = Math.floor(search.done / (this.view.doc.length || 1) * 100);
      const found = count ? `${this.hit + 1} of ${count}${search.more ? "+" : ""}` : "";
      const how = search.stop.signal.aborted ? `stopped at ${share} %` : search.running || !search.ended ? `${share} %` : count ? "" : "not found";
      text = [found, how].filter(Boolean).join(" · ");
    }
    $(".count").textContent = text;
    $(".count").title = search?.more ? `Only the first ${MOST_HITS} are counted` : "";
  }

  // Another log may have marked its own words.
  repaint() {
    if (this.hit >= 0) this.#paintHit(this.search.words);
  }

  // Marks the words, if the browser supports it.
  #paintHit(words) {
    if (!("highlights" in CSS)) return;
    const ranges = [];
    const wanted = words.toLowerCase();
    for (const box of this.view.lines.querySelectorAll(".hit")) {
      const walk = document.createTreeWalker(box, NodeFilter.SHOW_TEXT);
      while (walk.nextNode() && ranges.length < 100) {
        const text = walk.currentNode.data.toLowerCase();
        for (let at = text.indexOf(wanted); at >= 0 && text.length === walk.currentNode.length; at = text.indexOf(wanted, at + wanted.length)) {
          const range = new Range();
          range.setStart(walk.currentNode, at);
          range.setEnd(walk.currentNode, at + wanted.length);
          ranges.push(range);
        }
      }
    }
    CSS.highlights.set("found", new Highlight(...ranges));
  }
}
