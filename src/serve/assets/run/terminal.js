// A run's tmux window as a terminal on the page. Its content cannot act outside: no title, no clipboard, and links
// only after a confirmation.

import { Backoff, Refused, Unreachable, call, socket } from "../net.js";
import { toast } from "../notice.js";
import { Lines } from "./lines.js";
import { Scrollback } from "./scrollback.js";
import { Typing } from "./typing.js";

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
<ul class="unsent" aria-label="Lines that were not sent" hidden></ul>
<div class="term-foot"><form class="send"><label><span class="sr">Send a line</span><input name="text" autocomplete="off" placeholder="Send a line" spellcheck="false"></label><button>Send</button></form><p class="quiet behind" role="status"></p><button type="button" class="back">Scroll back</button><p class="quiet hint">Wheel or <kbd>Shift+PageUp</kbd> scrolls back · <kbd>Ctrl+Shift+Esc</kbd> leaves the terminal · <kbd>Ctrl+Shift+C</kbd> copies the selection</p></div>`;

export class TerminalView {
  // `focus`: a running window gets the keyboard as soon as it is shown.
  constructor(host, { focus = true } = {}) {
    this.host = host;
    this.takes = focus;
    const { run, mode, task } = host.dataset;
    Object.assign(this, { run, mode, task });
    host.replaceChildren(document.createRange().createContextualFragment(PARTS));
    this.$ = (selector) => host.querySelector(selector);
    // Attributes of the host itself are lost at the next rendering.
    this.box = this.$(".term-box");
    this.stop = new AbortController();
    this.link = null;
    this.typing = null;
    this.lines = new Lines({ path: `/api/send/${mode}/${task}`, form: this.$(".send"), list: this.$(".unsent"), state: this.$(".behind") });
    this.$(".back").onclick = () => this.scrollback?.open();
    this.update();
    this.#open().catch((error) => this.#say(`The terminal cannot be shown: ${error.message}`, true));
  }

  dispose() {
    this.stop.abort();
    this.link?.close();
    this.terminal?.dispose();
  }

  focus() {
    this.takes = true;
    this.terminal?.focus();
  }

  // After a rendering of the page: the run may have started or ended.
  update() {
    this.running = this.host.dataset.running === "1";
    this.active = this.host.dataset.active === "1";
    this.#showFoot();
    // A window may outlive its run.
    if (!this.active) this.link?.close();
    this.wake?.();
  }

  #showFoot() {
    this.$(".send").hidden = this.$(".back").hidden = !this.running;
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
    const make = (more) => {
      const made = new Terminal({
        allowProposedApi: true, fontFamily: getComputedStyle(document.documentElement).getPropertyValue("--mono").trim() || "monospace", fontSize: 13, lineHeight: 1.15,
        minimumContrastRatio: 4.5, theme: theme(), linkHandler: { activate: (event, uri) => follow(uri) }, ...more,
      });
      made.loadAddon(new Unicode11Addon());
      made.unicode.activeVersion = "11";
      made.loadAddon(new WebLinksAddon((event, uri) => follow(uri)));
      return made;
    };
    const terminal = make({ convertEol: false, cursorBlink: !matchMedia("(prefers-reduced-motion: reduce)").matches, scrollback: 2000 });
    this.terminal = terminal;
    this.host.terminal = terminal;
    dark.addEventListener("change", () => { terminal.options.theme = theme(); }, { signal: this.stop.signal });
    this.fit = new FitAddon();
    terminal.loadAddon(this.fit);
    // OSC 52 would read and write the user's clipboard.
    terminal.parser.registerOscHandler(52, () => true);
    terminal.open(this.box);
    // Not in one task with the painter: both take long.
    await new Promise((done) => setTimeout(done));
    if (this.stop.signal.aborted) return;
    await this.#paintFast();
    terminal.attachCustomKeyEventHandler((event) => this.#key(event));
    this.scrollback = new Scrollback({
      box: this.box, live: terminal, make,
      ask: (lines) => this.#ask({ history: lines }),
      typed: (bytes) => this.#type(bytes),
      copy: (from) => this.#copy(from),
    });
    terminal.onData((data) => this.#type(encoder.encode(data)));
    terminal.onBinary((data) => this.#type(Uint8Array.from(data, (one) => one.charCodeAt(0))));
    terminal.onResize(() => this.#resize());
    this.#fitSoon();
    new ResizeObserver(() => this.#fitSoon()).observe(this.box);
    if (this.running && this.takes) terminal.focus();
    await this.#live();
  }

  // WebGL if available, else DOM rendering.
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
    if (event.shiftKey && !event.ctrlKey && !event.altKey && event.key === "PageUp" && !this.terminal.options.disableStdin) {
      if (event.type === "keydown") { event.preventDefault(); this.scrollback.open(); }
      return false;
    }
    if (!event.ctrlKey || !event.shiftKey) return true;
    // Windows itself takes the first one.
    if (event.key === "Escape" || event.key === "Enter") {
      if (event.type === "keydown") { event.preventDefault(); this.#leave(); }
      return false;
    }
    if (event.code === "KeyC") {
      if (event.type === "keydown") { event.preventDefault(); this.#copy(this.terminal); }
      return false;
    }
    // The browser pastes.
    return event.code !== "KeyV";
  }

  // The page may say where the keyboard goes.
  #leave() {
    this.terminal.blur();
    const left = new Event("leave-terminal", { bubbles: true, cancelable: true });
    if (this.host.dispatchEvent(left)) document.getElementById("main").focus();
  }

  async #copy(terminal) {
    const text = terminal.getSelection();
    if (!text) return;
    await navigator.clipboard.writeText(text).then(() => toast("Copied."), () => toast("This browser did not allow the copy.", { bad: true }));
  }

  #type(bytes) {
    if (this.typing?.add(bytes)) return;
    if (!this.warned) toast("The terminal is not connected: what you type or paste now is not sent.", { bad: true });
    this.warned = true;
  }

  #resize() {
    const { cols, rows } = this.terminal;
    this.#ask({ resize: [cols, rows] });
  }

  // Sends a text message; false: not connected.
  #ask(what) {
    if (this.link?.readyState !== WebSocket.OPEN) return false;
    this.link.send(JSON.stringify(what));
    return true;
  }

  // Connects while the run has a window, until it has ended.
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
      if (over) { this.active = this.running = false; this.#showFoot(); continue; }
      if (this.active && this.running) {
        this.#say("Connection lost; trying again…", true);
        await backoff.wait();
      }
    }
  }

  #talk(link, backoff) {
    this.link = link;
    const typing = this.typing = new Typing(link);
    let fresh = true;
    return new Promise((done) => {
      link.onmessage = ({ data }) => {
        if (typeof data === "string") { this.scrollback.heard(JSON.parse(data).history); return; }
        if (fresh) {
          fresh = false;
          this.terminal.reset();
          this.#say("");
          this.warned = false;
          backoff.reset();
          // The size may have changed meanwhile.
          this.#resize();
          this.box.dataset.link = "live";
        }
        this.terminal.write(new Uint8Array(data));
      };
      link.onclose = () => {
        const { unsent } = typing;
        if (unsent) toast(`The connection was lost: at least the last ${unsent} bytes of what you typed or pasted were not sent.`, { bad: true });
        this.link = this.typing = null;
        this.box.dataset.link = "lost";
        done();
      };
    });
  }

  // Whether the run has ended, by the server.
  async #ended() {
    try {
      return Boolean((await call("GET", `/api/runs/${this.run}`)).endedAt);
    } catch {
      return false;
    }
  }

  // The window's last screen.
  async #last() {
    const { terminal } = this;
    this.scrollback.close();
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

// Removes blank lines at the end, which would scroll the text out of sight.
function trimmed(bytes) {
  let end = bytes.length;
  while (end > 0 && (bytes[end - 1] === 10 || bytes[end - 1] === 13 || bytes[end - 1] === 32)) end--;
  return bytes.slice(0, end);
}

// Opens a web link after the user has confirmed its address.
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
