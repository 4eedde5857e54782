// Makes a screenshot small, because a page has few colours. Input: a PNG as Chromium writes it (8 bits a
// channel, not interlaced). Output: a PNG with a palette.

import { deflateSync, inflateSync } from "node:zlib";

const SIGNATURE = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);

function crc32(bytes) {
  let sum = ~0;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit += 1) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  }
  return ~sum >>> 0;
}

function* chunks(png) {
  for (let at = SIGNATURE.length; at < png.length;) {
    const length = png.readUInt32BE(at);
    yield [png.toString("latin1", at + 4, at + 8), png.subarray(at + 8, at + 8 + length)];
    at += length + 12;
  }
}

function chunk(name, data) {
  const body = Buffer.concat([Buffer.from(name, "latin1"), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}

// The PNG filter of a byte: the pixel to the left, above, or between.
function paeth(a, b, c) {
  const [pa, pb, pc] = [Math.abs(b - c), Math.abs(a - c), Math.abs(a + b - 2 * c)];
  if (pa <= pb && pa <= pc) return a;
  return pb <= pc ? b : c;
}

function pixels(raw, width, height, bytes) {
  const line = width * bytes;
  const out = Buffer.alloc(line * height);
  for (let y = 0; y < height; y += 1) {
    const filter = raw[y * (line + 1)];
    for (let x = 0; x < line; x += 1) {
      const left = x >= bytes ? out[y * line + x - bytes] : 0;
      const above = y ? out[(y - 1) * line + x] : 0;
      const corner = y && x >= bytes ? out[(y - 1) * line + x - bytes] : 0;
      const guess = [0, left, above, (left + above) >> 1, paeth(left, above, corner)][filter];
      out[y * line + x] = raw[y * (line + 1) + 1 + x] + guess;
    }
  }
  return out;
}

export function small(png) {
  const parts = [...chunks(png)];
  const head = parts.find(([name]) => name === "IHDR")[1];
  const [width, height, bytes] = [head.readUInt32BE(0), head.readUInt32BE(4), head[9] === 6 ? 4 : 3];
  const raw = inflateSync(Buffer.concat(parts.filter(([name]) => name === "IDAT").map(([, data]) => data)));
  const seen = pixels(raw, width, height, bytes);
  const count = new Map();
  const colour = (at) => (seen[at] << 16) | (seen[at + 1] << 8) | seen[at + 2];
  for (let at = 0; at < seen.length; at += bytes) count.set(colour(at), (count.get(colour(at)) ?? 0) + 1);
  const palette = [...count].sort((a, b) => b[1] - a[1]).slice(0, 256).map(([rgb]) => rgb);
  const place = new Map(palette.map((rgb, index) => [rgb, index]));
  const far = (a, b) => ((a >> 16) - (b >> 16)) ** 2 + ((a >> 8 & 255) - (b >> 8 & 255)) ** 2 + ((a & 255) - (b & 255)) ** 2;
  for (const rgb of count.keys()) {
    if (!place.has(rgb)) place.set(rgb, place.get(palette.reduce((best, own) => far(rgb, own) < far(rgb, best) ? own : best)));
  }
  const lines = Buffer.alloc((width + 1) * height);
  for (let i = 0; i < width * height; i += 1) lines[i + 1 + Math.floor(i / width)] = place.get(colour(i * bytes));
  const wanted = Buffer.from(head);
  wanted[8] = 8;
  wanted[9] = 3;
  const colours = Buffer.from(palette.flatMap((rgb) => [rgb >> 16, rgb >> 8 & 255, rgb & 255]));
  return Buffer.concat([SIGNATURE, chunk("IHDR", wanted), chunk("PLTE", colours), chunk("IDAT", deflateSync(lines, { level: 9 })), chunk("IEND", Buffer.alloc(0))]);
}
