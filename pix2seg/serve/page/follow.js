// The palette follows a correction: the server is asked again once the brush rests.

import { segment } from "./api.js";
import { encodeMasks } from "./downloads.js";

const REST = 350; // milliseconds

/**
 * @param {Photos} photos
 * @param {(busy: boolean, problem?: string) => void} tell
 * @returns {(photo: Photo, facts: object) => void} to call after each change
 */
export function follower(photos, tell) {
  const asking = new Map(); // a photo's latest question; only its answer counts
  return async (photo, facts) => {
    asking.get(photo)?.abort();
    const question = new AbortController();
    asking.set(photo, question);
    tell(true);
    await new Promise((resolve) => setTimeout(resolve, REST));
    if (question.signal.aborted) return;
    try {
      const masks = await encodeMasks(photo, facts);
      photos.follow(photo, await segment(photo.file, masks, question.signal));
      if (asking.get(photo) === question) asking.delete(photo);
      tell(asking.size > 0);
    } catch (error) {
      if (question.signal.aborted) return;
      asking.delete(photo);
      tell(asking.size > 0, error.message);
    }
  };
}
