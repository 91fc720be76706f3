// Colours as OKLab, in which distance is what eyes see, and the tints of classes.

const linear = Float32Array.from({ length: 256 }, (_, i) => {
  const value = i / 255;
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
});

/** OKLab [L, a, b] of an sRGB colour in 0..255. */
export function toOklab(red, green, blue) {
  const [r, g, b] = [linear[red], linear[green], linear[blue]];
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

/** sRGB 0..255 of an OKLab colour, clipped. */
export function fromOklab([lightness, a, b]) {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ].map((value) => {
    const bounded = Math.min(1, Math.max(0, value));
    const gamma = bounded <= 0.0031308 ? bounded * 12.92 : 1.055 * bounded ** (1 / 2.4) - 0.055;
    return Math.round(gamma * 255);
  });
}

/** [red, green, blue] in 0..255 of #rrggbb. */
export const fromHex = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));

export const toHex = (rgb) => `#${rgb.map((value) => value.toString(16).padStart(2, "0")).join("")}`;

/**
 * A class's map colour, which is as loud as it can be, as a tint that eyes can rest on: the hue
 * stays, so that masks opened elsewhere look familiar.
 * @returns {number[]} RGB
 */
export function tint(hex) {
  const [lightness, a, b] = toOklab(...fromHex(hex));
  const chroma = Math.hypot(a, b);
  const calm = chroma ? Math.min(chroma, 0.15) / chroma : 0;
  return fromOklab([Math.min(0.84, Math.max(0.6, lightness)), a * calm, b * calm]);
}

/** Which of some OKLab colours is nearest to (l, a, b); -1 where there are none. */
export function nearest(colors, l, a, b) {
  let [best, least] = [-1, Infinity];
  for (let i = 0; i < colors.length; i++) {
    const color = colors[i];
    const distance = (color[0] - l) ** 2 + (color[1] - a) ** 2 + (color[2] - b) ** 2;
    if (distance < least) [best, least] = [i, distance];
  }
  return best;
}
