// Stop needs two presses within three seconds: the first one asks, the second one stops.

import { say } from "../notice.js";

// Milliseconds.
const WITHIN = 3000;

export class StopTwice {
  #armed = null;
  #timer = 0;

  // `stop(section)` stops the run of this element.
  constructor(stop) {
    this.stop = stop;
  }

  async press(button, section) {
    const pair = `${section.dataset.mode} ${section.dataset.task}`;
    if (button.getAttribute("aria-busy")) return;
    if (this.#armed !== pair) {
      this.disarm();
      this.#armed = pair;
      this.drawn();
      say(`Press Stop again within three seconds to stop ${section.dataset.task} ${section.dataset.mode}.`);
      this.#timer = setTimeout(() => this.disarm(), WITHIN);
      return;
    }
    this.disarm();
    button.setAttribute("aria-busy", "true");
    await this.stop(section);
    button.removeAttribute("aria-busy");
  }

  disarm() {
    clearTimeout(this.#timer);
    this.#armed = null;
    this.drawn();
  }

  // After a rendering, which resets the button's text.
  drawn() {
    const button = document.querySelector("#now-detail [data-stop]");
    if (!button) return;
    const section = button.closest("#now-detail");
    const armed = this.#armed !== null && this.#armed === `${section.dataset.mode} ${section.dataset.task}`;
    const text = armed ? "Stop: press again" : "Stop";
    if (button.textContent !== text) button.textContent = text;
    button.classList.toggle("armed", armed);
  }
}
