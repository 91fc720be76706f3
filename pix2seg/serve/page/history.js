// Undo and redo of a label map.

const STEPS = 50;

export class History {
  #done = [];
  #undone = [];

  /** Note what a rectangle held before it was changed. */
  push(rect, ids) {
    this.#done.push({ rect, ids });
    this.#done = this.#done.slice(-STEPS);
    this.#undone = [];
  }

  get canUndo() {
    return this.#done.length > 0;
  }

  get canRedo() {
    return this.#undone.length > 0;
  }

  /** @returns the rectangle that changed, or null */
  undo(map) {
    return swap(map, this.#done, this.#undone);
  }

  redo(map) {
    return swap(map, this.#undone, this.#done);
  }
}

function swap(map, from, to) {
  const step = from.pop();
  if (!step) return null;
  to.push({ rect: step.rect, ids: map.cut(step.rect) });
  map.paste(step.rect, step.ids);
  return step.rect;
}
