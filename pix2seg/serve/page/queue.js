// Photos go to the server two at a time: one is on its way while the other is worked on.

import { fromBase64, info, segment } from "./api.js";
import { readIndexed } from "./png.js";

const AT_ONCE = 2;

export class Queue {
  #photos;
  #working = 0;

  /** @param {Photos} photos */
  constructor(photos) {
    this.#photos = photos;
  }

  /** Take up photos that wait, as far as there is room. */
  async next() {
    const photo = this.#photos.list.find(({ status }) => status === "waiting");
    if (!photo || this.#working >= AT_ONCE) return;
    this.#working++;
    this.#photos.mark(photo, "working");
    this.next();
    try {
      await this.#segment(photo);
      this.#photos.mark(photo, "done");
    } catch (error) {
      this.#photos.mark(photo, "failed", error.message);
    }
    this.#working--;
    this.next();
  }

  async #segment(photo) {
    const { limits, garments } = await info();
    if (photo.file.size > limits.max_upload) throw new Error(tooLarge(photo, limits.max_upload));
    const shown = !isWebP(photo.file) && (await decodes(photo.url));
    const pictures = ["mask", ...(garments ? ["garments"] : []), ...(shown ? [] : ["photo"])];
    const { pictures: files, ...document } = await segment(photo.file, {
      pictures,
      garments: Boolean(garments),
    });
    photo.maps = {
      classes: await readIndexed(fromBase64(files.mask)),
      garments: files.garments ? await readIndexed(fromBase64(files.garments)) : null,
    };
    photo.document = document;
    if (files.photo) photo.url = URL.createObjectURL(new Blob([fromBase64(files.photo)]));
  }
}

/** The size is rounded up and the limit down: the two never read alike. */
function tooLarge({ name, file }, limit) {
  const [unit, tenth] = limit < 1e6 ? ["kB", 1e2] : ["MB", 1e5];
  const [size, most] = [Math.ceil(file.size / tenth) / 10, Math.floor(limit / tenth) / 10];
  return `${name} has ${size} ${unit}; the server takes at most ${most} ${unit}.`;
}

/** Chromium does not turn these upright as their EXIF data say, and as the server does. */
const isWebP = ({ name, type }) => type === "image/webp" || /\.webp$/i.test(name);

/** Whether this browser can show the photo; few show TIFF or HEIC. */
async function decodes(url) {
  const image = new Image();
  image.src = url;
  return image.decode().then(() => true, () => false);
}
