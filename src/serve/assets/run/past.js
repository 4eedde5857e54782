// The scrollback of a pane in a second terminal over the live one. It shows the pane at the time of the request;
// typing closes it and goes to the live terminal.

const encoder = new TextEncoder();

const PARTS = `
<div class="past-head"><p role="status">Scrollback: the live screen goes on below. Type, or press <kbd>Esc</kbd>, to return.</p><button type="button">Back to live</button></div>
<div class="past-box"></div>`;

// Keys that scroll this terminal, not the program.
const SCROLL = {
  PageUp: (terminal) => terminal.scrollPages(-1),
  PageDown: (terminal) => terminal.scrollPages(1),
  Home: (terminal) => terminal.scrollToTop(),
  End: (terminal) => terminal.scrollToBottom(),
  ArrowUp: (terminal) => terminal.scrollLines(-1),
  ArrowDown: (terminal) => terminal.scrollLines(1),
};

export class Past {
  // `text` has lines with colours, oldest first; `live` is the terminal below. `typed(bytes)` gets typed input,
  // `closed()` is called once, `copy(terminal)` copies the selection.
  constructor({ box, live, make, text, typed, closed, copy }) {
    this.closed = closed;
    this.element = Object.assign(document.createElement("div"), { className: "past" });
    this.element.append(document.createRange().createContextualFragment(PARTS));
    box.append(this.element);
    const place = this.element.querySelector(".past-box");
    const height = live.element.querySelector(".xterm-screen").clientHeight / live.rows;
    const rows = Math.max(2, Math.floor(place.clientHeight / height) || live.rows);
    const terminal = make({ cols: live.cols, rows, convertEol: true, cursorInactiveStyle: "none", scrollback: text.split("\n").length + 1 });
    this.terminal = terminal;
    terminal.open(place);
    this.element.querySelector("button").onclick = () => this.close();
    terminal.attachCustomKeyEventHandler((event) => this.#key(event, copy));
    terminal.attachCustomWheelEventHandler((event) => this.#wheel(event));
    terminal.onData((data) => { this.close(); typed(encoder.encode(data)); });
    // The live terminal knows whether its program uses bracketed paste.
    this.element.addEventListener("paste", (event) => {
      event.preventDefault();
      event.stopPropagation();
      this.close();
      live.paste(event.clipboardData.getData("text/plain"));
    }, { capture: true });
    this.ready = new Promise((done) => terminal.write(`\x1b[?25l${text}`, done));
    terminal.focus();
  }

  // Scrolls up by `lines`; negative: down. Below the last line is the live screen.
  async scroll(lines) {
    await this.ready;
    if (!this.element.isConnected) return;
    const { active } = this.terminal.buffer;
    if (lines < 0 && active.viewportY >= active.baseY) this.close();
    else this.terminal.scrollLines(-lines);
  }

  close() {
    if (!this.element.isConnected) return;
    this.element.remove();
    // May be called by one of its own handlers.
    setTimeout(() => this.terminal.dispose());
    this.closed();
  }

  #wheel(event) {
    const { active } = this.terminal.buffer;
    if (event.deltaY <= 0 || active.viewportY < active.baseY) return true;
    event.preventDefault();
    this.close();
    return false;
  }

  #key(event, copy) {
    if (event.ctrlKey && event.shiftKey) {
      if (event.type === "keydown" && event.code === "KeyC") { event.preventDefault(); copy(this.terminal); }
      if (event.type === "keydown" && event.key === "Escape") this.close();
      // The browser pastes.
      return false;
    }
    const scroll = event.ctrlKey || event.altKey || event.metaKey ? null : SCROLL[event.key];
    if (!scroll && event.key !== "Escape") return true;
    event.preventDefault();
    if (event.type !== "keydown") return false;
    if (scroll) scroll(this.terminal);
    else this.close();
    return false;
  }
}
