// A run's tmux window as a terminal on the page. What is shown there can do nothing outside of it:
// no title, no clipboard, and links only after a question.

import { Backoff, Refused, Unreachable, call, socket } from "../net.js";
import { attempt, toast } from "../notice.js";

const encoder = new TextEncoder();

const THEMES = {
  light: {
    background: "#ffffff", foreground: "#1b1f2a", cursor: "#3048c0", cursorAccent: "#ffffff", selectionBackground: "#b9c8ff", selectionForeground: "#10131c",
    black: "#1b1f2a", red: "#b3261e", green: "#1e6b35", yellow: "#8a5a00", blue: "#1c55b8", magenta: "#8a2da5", cyan: "#0b6b7a", white: "#5a6172",
    brightBlack: "#5a6172", brightRed: "#c8322a", brightGreen: "#23803f", brightYellow: "#8f6400", brightBlue: "#2f67cf", brightMagenta: "#9c3bb8", brightCyan: "#0d7a8b", brightWhite: "#1b1f2a",
  },
  dark: {
    background: "#12141a", foreground: "#e6e8ee", cursor: "#9db2ff", cursorAccent: "#12141a", selectionBackground: "#3d4a78", selectionForeground: "#ffffff",
    black: "#313644", red: "#ff9d95", green: "#7fd49a", yellow: "#ffcf7a", blue: "#8ab8ff", magenta: "#e3a6f5", cyan: "#74d3e0", white: "#e6e8ee",
    brightBlack: "#a0a7b8", brightRed: "#ffb5ae", brightGreen: "#9fe3b4", brightYellow: "#ffdf9e", brightBlue: "#aaccff", brightMagenta: "#edc2fa", brightCyan: "#9be2ec", brightWhite: "#ffffff",
  },
};

const PARTS = `
<p class="term-state" role="status" hidden></p>
<div class="term-box"></div>
<div class="term-foot"><form class="send"><label><span class="sr">Send a line</span><input name="text" autocomplete="off" placeholder="Send a line" spellcheck="false"></label><button>Send</button></form><p class="quiet hint"><kbd>Ctrl+Shift+Esc</kbd> leaves the terminal · <kbd>Ctrl+Shift+C</kbd> copies the selection</p></div>`;

export class TerminalView {
  constructor(host) {
    this.host = host;
    const { run, mode, task } = host.dataset;
    Object.assign(this, { run, mode, task });
    host.replaceChildren(document.createRange().createContextualFragment(PARTS));
    this.$ = (selector) => host.querySelector(selector);
    // What is noted on the host itself goes when the page is laid out again.
    this.box = this.$(".term-box");
    this.stop = new AbortController();
    this.link = null;
    this.$(".send").onsubmit = (event) => { event.preventDefault(); this.#send(event.target.elements.text); };
    this.update();
    this.#open().catch((error) => this.#say(`The terminal cannot be shown: ${error.message}`, true));
  }

  dispose() {
    this.stop.abort();
    this.link?.close();
    this.terminal?.dispose();
  }

  // The page was laid out again: the run may have started or ended.
  update() {
    this.running = this.host.dataset.running === "1";
    this.active = this.host.dataset.active === "1";
    this.$(".send").hidden = !this.running;
    // A window may outlive its run.
    if (!this.active) this.link?.close();
    this.wake?.();
  }

  #say(text, bad = false) {
    const place = this.$(".term-state");
    if (place.textContent !== text) place.textContent = text;
    place.hidden = !text;
    place.classList.toggle("bad", bad);
  }

  async #open() {
    await stylesheet("/assets/vendor/xterm.css");
    const [{ Terminal }, { FitAddon }, { WebLinksAddon }, { Unicode11Addon }] = await Promise.all([
      import("../vendor/xterm.mjs"), import("../vendor/addon-fit.mjs"), import("../vendor/addon-web-links.mjs"), import("../vendor/addon-unicode11.mjs"),
    ]);
    if (this.stop.signal.aborted) return;
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const theme = () => THEMES[dark.matches ? "dark" : "light"];
    const terminal = new Terminal({
      allowProposedApi: true, convertEol: false, cursorBlink: !matchMedia("(prefers-reduced-motion: reduce)").matches,
      fontFamily: getComputedStyle(document.documentElement).getPropertyValue("--mono").trim() || "monospace", fontSize: 13, lineHeight: 1.15,
      minimumContrastRatio: 4.5, scrollback: 2000, theme: theme(), linkHandler: { activate: (event, uri) => follow(uri) },
    });
    this.terminal = terminal;
    this.host.terminal = terminal;
    dark.addEventListener("change", () => { terminal.options.theme = theme(); }, { signal: this.stop.signal });
    this.fit = new FitAddon();
    terminal.loadAddon(this.fit);
    terminal.loadAddon(new Unicode11Addon());
    terminal.unicode.activeVersion = "11";
    terminal.loadAddon(new WebLinksAddon((event, uri) => follow(uri)));
    // The clipboard belongs to the person: 52 would read and write it.
    terminal.parser.registerOscHandler(52, () => true);
    terminal.open(this.box);
    await this.#paintFast();
    terminal.attachCustomKeyEventHandler((event) => this.#key(event));
    terminal.onData((data) => this.#type(encoder.encode(data)));
    terminal.onBinary((data) => this.#type(Uint8Array.from(data, (one) => one.charCodeAt(0))));
    terminal.onResize(() => this.#resize());
    this.#fitSoon();
    new ResizeObserver(() => this.#fitSoon()).observe(this.box);
    if (this.running) terminal.focus();
    await this.#live();
  }

  // WebGL where there is any; else the terminal draws with elements.
  async #paintFast() {
    try {
      const { WebglAddon } = await import("../vendor/addon-webgl.mjs");
      const webgl = new WebglAddon();
      webgl.onContextLoss(() => webgl.dispose());
      this.terminal.loadAddon(webgl);
      this.box.dataset.painter = "webgl";
    } catch {
      this.box.dataset.painter = "dom";
    }
  }

  #fitSoon() {
    cancelAnimationFrame(this.fitting);
    this.fitting = requestAnimationFrame(() => { if (this.box.clientWidth) this.fit.fit(); });
  }

  #key(event) {
    if (!event.ctrlKey || !event.shiftKey) return true;
    if (event.key === "Escape") {
      if (event.type === "keydown") { event.preventDefault(); this.terminal.blur(); document.getElementById("main").focus(); }
      return false;
    }
    if (event.code === "KeyC") {
      if (event.type === "keydown") { event.preventDefault(); this.#copy(); }
      return false;
    }
    // The browser pastes.
    return event.code !== "KeyV";
  }

  async #copy() {
    const text = this.terminal.getSelection();
    if (!text) return;
    await navigator.clipboard.writeText(text).then(() => toast("Copied."), () => toast("This browser did not allow the copy.", { bad: true }));
  }

  #type(bytes) {
    if (this.link?.readyState === WebSocket.OPEN) this.link.send(bytes);
  }

  #resize() {
    const { cols, rows } = this.terminal;
    if (this.link?.readyState === WebSocket.OPEN) this.link.send(JSON.stringify({ resize: [cols, rows] }));
  }

  async #send(field) {
    if (await attempt("POST", `/api/send/${this.mode}/${this.task}`, { text: field.value })) field.value = "";
  }

  // Connects whenever the run has a window, until it has ended.
  async #live() {
    const backoff = new Backoff();
    const { signal } = this.stop;
    while (!signal.aborted) {
      if (!this.active) { await this.#last(); return; }
      if (!this.running) {
        this.#say("It has not started yet. This terminal connects as soon as it runs.");
        await new Promise((done) => { this.wake = done; });
        this.wake = null;
        continue;
      }
      try {
        this.fit.fit();
        const { cols, rows } = this.terminal;
        const link = await socket(`/api/terminal/${this.mode}/${this.task}`, { write: true, query: `?cols=${cols}&rows=${rows}` });
        await this.#talk(link, backoff);
      } catch (error) {
        if (!(error instanceof Refused || error instanceof Unreachable)) throw error;
      }
      if (signal.aborted) return;
      const over = await this.#ended();
      if (over) { this.active = this.running = false; this.$(".send").hidden = true; continue; }
      if (this.active && this.running) {
        this.#say("Connection lost; trying again…", true);
        await backoff.wait();
      }
    }
  }

  #talk(link, backoff) {
    this.link = link;
    let fresh = true;
    return new Promise((done) => {
      link.onmessage = ({ data }) => {
        if (typeof data === "string") return;
        if (fresh) {
          fresh = false;
          this.terminal.reset();
          this.#say("");
          backoff.reset();
          // It may have been resized meanwhile.
          this.#resize();
          this.box.dataset.link = "live";
        }
        this.terminal.write(new Uint8Array(data));
      };
      link.onclose = () => { this.link = null; this.box.dataset.link = "lost"; done(); };
    });
  }

  // Whether the server says that the run is over.
  async #ended() {
    try {
      return Boolean((await call("GET", `/api/runs/${this.run}`)).endedAt);
    } catch {
      return false;
    }
  }

  // What the window showed last.
  async #last() {
    const { terminal } = this;
    terminal.options.disableStdin = true;
    terminal.options.convertEol = true;
    terminal.options.cursorBlink = false;
    const backoff = new Backoff();
    while (!this.stop.signal.aborted) {
      const screen = await this.#screen().catch(() => null);
      if (screen) {
        terminal.reset();
        terminal.write("\x1b[?25l");
        for (const part of screen) terminal.write(part);
        const shown = screen.some((part) => part.length);
        this.#say(shown ? "It has ended: this is its last screen." : "It has ended; no last screen was kept.");
        this.box.dataset.link = "ended";
        return;
      }
      await backoff.wait();
    }
  }

  async #screen() {
    const link = await socket(`/logs/${this.mode}/${this.task}`, { query: `?run=${this.run}` });
    const parts = [];
    return new Promise((done) => {
      let over = false;
      link.onmessage = ({ data }) => {
        if (typeof data === "string") over = JSON.parse(data).event === "end";
        else parts.push(trimmed(new Uint8Array(data)));
      };
      link.onclose = () => done(over ? parts : null);
    });
  }
}

// Blank lines below the last words would scroll it out of sight.
function trimmed(bytes) {
  let end = bytes.length;
  while (end > 0 && (bytes[end - 1] === 10 || bytes[end - 1] === 13 || bytes[end - 1] === 32)) end--;
  return bytes.slice(0, end);
}

// Only to the web, and only where a person says so, seeing where it leads.
function follow(uri) {
  let to;
  try {
    to = new URL(uri);
  } catch {
    return;
  }
  if (!["http:", "https:"].includes(to.protocol)) return;
  if (confirm(`The agent's terminal shows a link to\n\n${to.href}\n\nOpen it?`)) window.open(to.href, "_blank", "noopener,noreferrer");
}

function stylesheet(path) {
  if (document.querySelector(`link[href="${path}"]`)) return Promise.resolve();
  const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href: path });
  return new Promise((done) => { link.onload = link.onerror = done; document.head.append(link); });
}
