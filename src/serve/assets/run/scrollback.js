// Scrollback of a terminal whose program does not use the mouse: the wheel, Shift+PageUp or a button request the
// pane's history from the server. (xterm.js would turn the wheel into cursor keys for the program.)

import { toast } from "../notice.js";
import { Past } from "./past.js";

// Lines to request.
const LINES = 10_000;

export class Scrollback {
  #past = null;
  // Lines to scroll by once the text arrives; null: nothing was requested.
  #due = null;
  #rest = 0;
  // Requested by a key or the button: report if there is no history.
  #asked = false;

  // `make(options)` creates a terminal styled as `live`. `ask(lines)` sends the request and returns false if it cannot;
  // the response is passed to `heard`.
  constructor({ box, live, make, ask, typed, copy }) {
    Object.assign(this, { box, live, make, ask, typed, copy });
    live.attachCustomWheelEventHandler((event) => this.#wheel(event));
    live.onResize(() => this.close());
  }

  // One screen back.
  open() {
    this.#asked = true;
    this.#scroll(this.live.rows - 1);
  }

  heard(text) {
    const lines = this.#due;
    this.#due = null;
    if (lines === null || this.#past) return;
    const { live } = this;
    if (text.split("\n").length <= live.rows) {
      if (this.#asked) toast("Nothing has scrolled out of this screen.");
      this.#asked = false;
      return;
    }
    this.#asked = false;
    const { box, make, typed, copy } = this;
    this.#past = new Past({ box, live, make, text, typed, copy, closed: () => { this.#past = null; live.focus(); } });
    this.#past.scroll(lines);
  }

  close() {
    this.#due = null;
    this.#past?.close();
  }

  // False: xterm.js must not handle it.
  #wheel(event) {
    const { live } = this;
    if (live.modes.mouseTrackingMode !== "none") return true;
    // Zoom of the browser.
    if (event.ctrlKey || event.metaKey) return false;
    // A screen that has ended scrolls by itself.
    if (live.options.disableStdin) return true;
    event.preventDefault();
    const unit = [this.box.clientHeight / live.rows || 16, 1, live.rows][event.deltaMode] ?? 16;
    this.#rest -= event.deltaY / unit;
    const whole = Math.trunc(this.#rest);
    this.#rest -= whole;
    if (whole && (whole > 0 || this.#due !== null)) this.#scroll(whole);
    return false;
  }

  #scroll(lines) {
    if (this.#past) { this.#past.scroll(lines); return; }
    if (this.#due !== null) { this.#due = Math.max(1, this.#due + lines); return; }
    if (this.ask(LINES)) this.#due = lines;
  }
}
