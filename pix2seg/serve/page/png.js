// Indexed PNG files, a pixel's value being its class id. Browsers decode PNG to colours alone.

import { crc32 } from "./crc32.js";
import { LabelMap } from "./label_map.js";

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];
const INDEXED = 3;

/**
 * @param {Uint8Array} bytes an indexed PNG, not interlaced
 * @returns {Promise<LabelMap>}
 */
export async function readIndexed(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const data = [];
  let width, height, depth;
  for (let at = SIGNATURE.length; at < bytes.length; ) {
    const length = view.getUint32(at);
    const kind = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (kind === "IHDR") {
      [width, height] = [view.getUint32(at + 8), view.getUint32(at + 12)];
      depth = bytes[at + 16];
      if (bytes[at + 17] !== INDEXED) throw new Error("the mask is no indexed PNG");
    }
    if (kind === "IDAT") data.push(bytes.subarray(at + 8, at + 8 + length));
    at += 12 + length;
  }
  const raw = await through(new DecompressionStream("deflate"), data);
  const stride = Math.ceil((width * depth) / 8);
  unfilter(raw, stride, height);
  return new LabelMap(width, height, unpack(raw, width, height, depth, stride));
}

/**
 * @param {LabelMap} map
 * @param {number[][]} colors RGB of each id, for programs that show the file
 * @returns {Promise<Uint8Array>}
 */
export async function writeIndexed(map, colors) {
  const raw = new Uint8Array((map.width + 1) * map.height); // a row begins with its filter, none
  for (let y = 0; y < map.height; y++) {
    raw.set(map.ids.subarray(y * map.width, (y + 1) * map.width), y * (map.width + 1) + 1);
  }
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, map.width);
  view.setUint32(4, map.height);
  header.set([8, INDEXED], 8);
  const parts = [
    Uint8Array.from(SIGNATURE),
    chunk("IHDR", header),
    chunk("PLTE", Uint8Array.from(colors.flat())),
    chunk("IDAT", await through(new CompressionStream("deflate"), [raw])),
    chunk("IEND", new Uint8Array()),
  ];
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

async function through(stream, parts) {
  const piped = new Blob(parts).stream().pipeThrough(stream);
  return new Uint8Array(await new Response(piped).arrayBuffer());
}

/** Undo the rows' filters in place. A pixel has one byte at most, so "left" is one byte back. */
function unfilter(raw, stride, height) {
  for (let y = 0; y < height; y++) {
    const start = y * (stride + 1);
    const filter = raw[start];
    for (let i = start + 1; i <= start + stride; i++) {
      const left = i > start + 1 ? raw[i - 1] : 0;
      const up = y ? raw[i - stride - 1] : 0;
      const corner = y && i > start + 1 ? raw[i - stride - 2] : 0;
      if (filter === 1) raw[i] += left;
      else if (filter === 2) raw[i] += up;
      else if (filter === 3) raw[i] += (left + up) >> 1;
      else if (filter === 4) raw[i] += paeth(left, up, corner);
    }
  }
}

function paeth(left, up, corner) {
  const guess = left + up - corner;
  const [l, u, c] = [left, up, corner].map((value) => Math.abs(guess - value));
  if (l <= u && l <= c) return left;
  return u <= c ? up : corner;
}

function unpack(raw, width, height, depth, stride) {
  const ids = new Uint8Array(width * height);
  const inByte = 8 / depth;
  const bits = (1 << depth) - 1;
  for (let y = 0; y < height; y++) {
    const start = y * (stride + 1) + 1;
    for (let x = 0; x < width; x++) {
      const shift = 8 - depth * ((x % inByte) + 1);
      ids[y * width + x] = (raw[start + Math.floor(x / inByte)] >> shift) & bits;
    }
  }
  return ids;
}

function chunk(kind, data) {
  const bytes = new Uint8Array(data.length + 12);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  bytes.set(new TextEncoder().encode(kind), 4);
  bytes.set(data, 8);
  view.setUint32(data.length + 8, crc32(bytes.subarray(4, data.length + 8)));
  return bytes;
}
