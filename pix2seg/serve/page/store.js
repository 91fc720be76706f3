// What the browser remembers for the page; where it blocks site data, the page itself does.

/** Remembered for good. */
export const lasting = store("localStorage");

/** Remembered as long as the tab is open. */
export const passing = store("sessionStorage");

function store(kind) {
  const here = new Map();
  return {
    /** @returns {string|null} */
    get: (key) => here.get(key) ?? attempt(() => window[kind].getItem(key)),
    set: (key, value) => {
      here.set(key, value);
      attempt(() => window[kind].setItem(key, value));
    },
  };
}

function attempt(use) {
  try {
    return use();
  } catch {
    return null; // a blocked store throws, as does a full one
  }
}
