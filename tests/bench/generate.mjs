// Copies one ended run's folder N times as runs of their own: new id, own folder identity, other task.
//   node generate.mjs RUN_FOLDER N TASKS
import fs from 'node:fs';
import path from 'node:path';

const [folder, count, tasks] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const digits = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const original = path.basename(folder);
const task = JSON.parse(fs.readFileSync(path.join(folder, 'spec.json'), 'utf8')).task;

for (let n = 0; n < count; n++) {
  let tail = '';
  for (let rest = n, i = 0; i < 16; i++, rest = Math.floor(rest / 32)) tail = digits[rest % 32] + tail;
  // Older than the original, so that it stays the last one of its pair.
  const id = '01ARZ3NDEK' + tail;
  const target = path.join(path.dirname(folder), id);
  fs.mkdirSync(target, { mode: 0o700 });
  const { dev, ino } = fs.statSync(target);
  for (const name of fs.readdirSync(folder)) {
    let text = fs.readFileSync(path.join(folder, name), 'utf8');
    if (name.endsWith('.json')) {
      text = text.replaceAll(original, id).replaceAll(`"${task}"`, `"T-${n % tasks}"`);
      const record = JSON.parse(text);
      if (record.folder) record.folder = { device: dev, inode: ino };
      text = JSON.stringify(record);
    }
    fs.writeFileSync(path.join(target, name), text, { mode: 0o600 });
  }
}
