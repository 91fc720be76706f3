// A zip of files that are compressed already: they are stored as they are.

import { crc32 } from "./crc32.js";

const UTF8_NAMES = 0x800;
const JANUARY_1980 = 0x21; // the format's first date: the same files give the same bytes

/**
 * @param {{name: string, bytes: Uint8Array}[]} files names may hold folders, as a/b.png
 * @returns {Blob}
 */
export function zip(files) {
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const { name, bytes } of files) {
    const encoded = new TextEncoder().encode(name);
    const facts = numbers([
      [2, 20], [2, UTF8_NAMES], [2, 0], [2, 0], [2, JANUARY_1980], [4, crc32(bytes)],
      [4, bytes.length], [4, bytes.length], [2, encoded.length], [2, 0],
    ]);
    const local = [numbers([[4, 0x04034b50]]), facts, encoded, bytes];
    directory.push(
      numbers([[4, 0x02014b50], [2, 20]]),
      facts,
      numbers([[2, 0], [2, 0], [2, 0], [4, 0], [4, offset]]),
      encoded,
    );
    parts.push(...local);
    offset += size(local);
  }
  const end = numbers([
    [4, 0x06054b50], [2, 0], [2, 0], [2, files.length], [2, files.length],
    [4, size(directory)], [4, offset], [2, 0],
  ]);
  return new Blob([...parts, ...directory, end], { type: "application/zip" });
}

/** Little-endian numbers, each given as [bytes, value]. */
function numbers(fields) {
  const bytes = new Uint8Array(fields.reduce((sum, [length]) => sum + length, 0));
  let at = 0;
  for (const [length, value] of fields) {
    for (let i = 0; i < length; i++) bytes[at++] = (value >>> (8 * i)) & 255;
  }
  return bytes;
}

const size = (parts) => parts.reduce((sum, part) => sum + part.length, 0);
