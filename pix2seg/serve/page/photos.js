// The photos on the page, and which of them is looked at.

/**
 * One photo.
 * @typedef {object} Photo
 * @property {File} file
 * @property {string} name unique among the photos, with suffix
 * @property {string} stem the name without suffix
 * @property {string} url what an <img> shows
 * @property {"waiting"|"working"|"done"|"failed"} status
 * @property {string} problem why it failed
 * @property {object|null} document the palette document
 * @property {{classes: LabelMap, garments: LabelMap|null}|null} maps
 * @property {boolean} corrected
 * @property {number} changes made by correcting it
 * @property {number} saved how many of these a download has taken along
 * @property {History|null} history what undo goes back to
 */

/** Events: "list" (photos came, went or changed their status), "select", "document" (detail: photo). */
export class Photos extends EventTarget {
  /** @type {Photo[]} */
  list = [];
  /** @type {Photo|null} */
  current = null;

  /** @param {File[]} files */
  add(files) {
    const added = files.map((file) => {
      const name = this.#unique(file.name || "pasted.png");
      const photo = {
        file, name, stem: name.replace(/\.[^.]+$/, ""), url: URL.createObjectURL(file),
        status: "waiting", problem: "", document: null, maps: null, corrected: false,
        changes: 0, saved: 0, history: null,
      };
      this.list.push(photo);
      return photo;
    });
    if (!this.current && added.length) this.select(added[0]);
    this.#tell("list");
    return added;
  }

  select(photo) {
    this.current = photo;
    this.#tell("select");
  }

  remove(photo) {
    URL.revokeObjectURL(photo.url);
    const at = this.list.indexOf(photo);
    this.list.splice(at, 1);
    if (this.current === photo) this.select(this.list[at] ?? this.list[at - 1] ?? null);
    this.#tell("list");
  }

  /** Note a new status. */
  mark(photo, status, problem = "") {
    Object.assign(photo, { status, problem });
    this.#tell("list");
    if (photo === this.current && (status === "done" || status === "failed")) this.#tell("select");
  }

  /** Note that a photo's mask is no longer the server's. */
  correct(photo) {
    Object.assign(photo, { corrected: true, changes: photo.changes + 1 });
    this.#tell("list");
  }

  /** A correction gave the photo another document. */
  follow(photo, document) {
    photo.document = document;
    if (photo === this.current) this.#tell("document");
  }

  on(kind, listener) {
    this.addEventListener(kind, listener);
  }

  #tell(kind) {
    this.dispatchEvent(new Event(kind));
  }

  /** photo.jpg, photo-2.jpg ...: downloads are named after the stem. */
  #unique(name) {
    const [, stem, suffix] = name.match(/^(.*?)(\.[^.]*)?$/);
    const taken = new Set(this.list.map((photo) => photo.stem));
    let free = stem;
    for (let n = 2; taken.has(free); n++) free = `${stem}-${n}`;
    return free + (suffix ?? "");
  }
}
