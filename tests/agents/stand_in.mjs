#!/usr/bin/env node
// A fake `claude` for a window. It makes the faults of the real input line (measured on 2.1) frequent:
// it starts slowly, handles a paste later than the keys that follow it, sometimes loses a paste, and
// ignores some Enters. Tabs become blanks, a `\` before Enter a new line.
//
// Options are in the prompt after `--`: `seed=7 start=300 file=PATH`. Each message is added to FILE as one
// JSON line, and later to a transcript in claude's format. With `reader FILE` it is a plain program that
// asks for bracketed pastes and does nothing else.
import fs from 'node:fs';
import path from 'node:path';
import { spawnSync } from 'node:child_process';

const plain = process.argv[2] === 'reader';
const words = plain ? { file: process.argv[3] } : Object.fromEntries(process.argv.at(-1).split(' ').map((w) => w.split('=')));
let state = BigInt(words.seed || 1);
const chance = (one_in) => {
  state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn;
  return Number((state >> 33n) % BigInt(one_in)) === 0;
};
const between = (low, high) => { let n = low; while (n < high && !chance(high - low)) n++; return n; };
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

let input = '', pastes = [], busy = false, queue = [], mounted = false;
const said = (text) => fs.appendFileSync(words.file, JSON.stringify(text) + '\n');

function settings() {
  const at = process.argv.indexOf('--settings');
  return at > 0 ? path.dirname(process.argv[at + 1]) : null;
}
const transcript = path.resolve(words.file + '.jsonl');
const tell = (name) => settings() && spawnSync('dispatch', ['event', settings()], {
  input: JSON.stringify({ session_id: 'stand-in', transcript_path: transcript, hook_event_name: name }),
});
const write = (event) => fs.appendFileSync(transcript, JSON.stringify(event) + '\n');

function draw() {
  if (plain) return;
  const rule = '─'.repeat(60);
  const shown = input.split('\n').join('\r\n  ');
  const hint = busy && queue.length && !input ? '\x1b[7mP\x1b[0;2mress up to edit queued messages\x1b[0m' : '';
  process.stdout.write(`\x1b[H\x1b[2J● stand-in\r\n\r\n${rule}\r\n❯ ${shown}${hint}\r\n${rule}\r\n  ? for shortcuts\r\n`);
}

async function work(text) {
  busy = true;
  await sleep(between(0, 120));
  write({ type: 'user', message: { role: 'user', content: text } });
  await sleep(between(0, 200));
  busy = false;
  const next = queue.shift();
  if (next !== undefined) { write({ type: 'queue-operation', operation: 'dequeue' }); work(next); }
  draw();
}

function enter() {
  if (plain) { said(input); input = ''; return; }
  if (input.endsWith('\\')) { input = input.slice(0, -1) + '\n'; return draw(); }
  if (!input.trim() || chance(6)) return;
  const text = pastes.reduce((all, one, n) => all.replace(mark(one, n + 1), () => one), input.trimEnd());
  input = ''; pastes = [];
  said(text);
  if (busy) {
    queue.push(text);
    setTimeout(() => write({ type: 'queue-operation', operation: 'enqueue', content: text }), between(0, 150));
  } else work(text);
  draw();
}

const mark = (text, n) => `[Pasted text #${n} +${text.split('\n').length - 1} lines]`;

function paste(text) {
  if (plain) { input += text; return; }
  if (chance(25)) return;
  text = text.replaceAll('\t', '    ');
  setTimeout(() => {
    if (text.split('\n').length > 3 || text.length > 800) { pastes.push(text); input += mark(text, pastes.length); } else input += text;
    draw();
  }, between(0, 90));
}

let bytes = Buffer.alloc(0), pasting = false;
function take(chunk) {
  bytes = Buffer.concat([bytes, chunk]);
  for (;;) {
    const text = bytes.toString('latin1');
    if (pasting) {
      const end = text.indexOf('\x1b[201~');
      if (end < 0) return;
      paste(bytes.subarray(0, end).toString('utf8'));
      bytes = bytes.subarray(end + 6); pasting = false;
    } else if (text.startsWith('\x1b[200~')) { bytes = bytes.subarray(6); pasting = true; }
    else if (text === '' || '\x1b[200~'.startsWith(text)) return;
    else { if (text[0] === '\r') enter(); else input += text[0]; bytes = bytes.subarray(1); if (!plain) draw(); }
  }
}

await sleep(Number(words.start || 0));
process.stdin.setRawMode(true);
process.stdin.on('data', (chunk) => { if (mounted) take(chunk); });
draw();
if (!plain) {
  tell('SessionStart');
  await sleep(between(0, 40));
}
mounted = true;
process.stdout.write('\x1b[?2004h');
if (plain) fs.writeFileSync(words.file, '');
// A turn begins, so that the first text arrives while it works.
else if (words.busy) { busy = true; setTimeout(() => { busy = false; const next = queue.shift(); if (next) work(next); }, Number(words.busy)); }
