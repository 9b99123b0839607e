// Packs fonts of the system as WOFF2, so that the repository needs no font.
import { existsSync, readFileSync } from 'node:fs';
import { brotliCompressSync } from 'node:zlib';

/** DejaVu Sans, which script/setup installs. It is much wider than Arial. */
const FONT = ['/usr/share/fonts/truetype/dejavu', '/usr/share/fonts/dejavu-sans-fonts']
  .map((folder) => `${folder}/DejaVuSans.ttf`)
  .find(existsSync);

/** The tables that text needs. */
const TABLES = ['cmap', 'cvt ', 'fpgm', 'glyf', 'head', 'hhea', 'hmtx', 'loca', 'maxp', 'name'];
TABLES.push('OS/2', 'post', 'prep');
const ANY_TAG = 63; // the tag follows
const NULL_TRANSFORM = 3 << 6; // of `glyf` and `loca`

/** Encodes a number (WOFF2, 4.1: UIntBase128). */
const base128 = (number) => {
  const bytes = [number & 127];
  for (let rest = number >>> 7; rest; rest >>>= 7) bytes.unshift((rest & 127) | 128);
  return bytes;
};

/** Returns DejaVu Sans as WOFF2, or nothing if the system doesn't have it. */
export function dejavuAsWoff2() {
  if (!FONT) return undefined;
  const font = readFileSync(FONT);
  const entries = Array.from({ length: font.readUInt16BE(4) }, (_, index) => {
    const entry = 12 + 16 * index;
    const [start, length] = [font.readUInt32BE(entry + 8), font.readUInt32BE(entry + 12)];
    return { tag: font.toString('latin1', entry, entry + 4), start, length };
  }).filter(({ tag }) => TABLES.includes(tag));
  const directory = Buffer.concat(
    entries.map(({ tag, length }) => {
      const transform = ['glyf', 'loca'].includes(tag) ? NULL_TRANSFORM : 0;
      const flags = [ANY_TAG | transform, ...Buffer.from(tag, 'latin1')];
      return Buffer.from([...flags, ...base128(length)]);
    }),
  );
  const tables = entries.map(({ start, length }) => font.subarray(start, start + length));
  const compressed = brotliCompressSync(Buffer.concat(tables));
  const padded = entries.reduce((sum, { length }) => sum + ((length + 3) & ~3), 0);
  const header = Buffer.alloc(48);
  header.write('wOF2');
  font.copy(header, 4, 0, 4);
  const size = header.length + directory.length + compressed.length;
  const padding = Buffer.alloc(-size & 3);
  header.writeUInt32BE(size + padding.length, 8);
  header.writeUInt16BE(entries.length, 12);
  header.writeUInt32BE(12 + 16 * entries.length + padded, 16);
  header.writeUInt32BE(compressed.length, 20);
  return Buffer.concat([header, directory, compressed, padding]);
}
