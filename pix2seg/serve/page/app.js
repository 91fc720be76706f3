// The page: photos come in, the queue reads them, stage and panel show the one that is looked at.

import { info } from "./api.js";
import { compare, offerSliders } from "./comparison.js";
import { Correction } from "./correction.js";
import { byId, say } from "./dom.js";
import { download, downloadAll, downloadTraining } from "./downloads.js";
import { follower } from "./follow.js";
import { takeFiles } from "./intake.js";
import { showLegend } from "./legend.js";
import { markColor, showColors, showMessage } from "./panel.js";
import { partsOf } from "./parts.js";
import { Photos } from "./photos.js";
import { Probe } from "./probe.js";
import { Queue } from "./queue.js";
import { Stage } from "./stage.js";
import { showStrip } from "./strip.js";
import { offerThemes } from "./theme.js";

const photos = new Photos();
const queue = new Queue(photos);
const stage = new Stage();
const probe = new Probe(stage, () => parts, markColor);
const correction = new Correction(stage, probe);
const follow = follower(photos, (busy, problem) => {
  byId("panel").classList.toggle("busy", busy);
  if (problem) say(problem);
});
/** Downloads that hold masks, and with them what was corrected. */
const WITH_MASKS = ["all", "mask", "every", "training"];
const taking = new Set(); // buttons whose download is being made
let parts = [];
let facts = null;

offerThemes();
offerSliders();
showStrip(photos);
takeFiles((files) => {
  photos.add(files);
  queue.next();
});
photos.on("list", arrange);
photos.on("select", show);
photos.on("document", showDocument);
byId("compare").addEventListener("click", () => {
  const on = byId("split").hidden;
  if (on) correct(false);
  compare(on);
});
byId("correct").addEventListener("click", () => correct(!correction.open));
correction.addEventListener("change", ({ detail: photo }) => {
  photos.correct(photo);
  follow(photo, facts);
});
addEventListener("beforeunload", (event) => {
  if (photos.list.some(({ changes, saved }) => changes > saved)) event.preventDefault(); // to ask
});
for (const button of document.querySelectorAll("[data-download]")) {
  button.addEventListener("click", () => take(button, button.dataset.download));
}
byId("training").addEventListener("click", ({ currentTarget }) => take(currentTarget, "training"));
info().then(learn, (problem) => (byId("terms").textContent = problem.message));

/** What the server says of itself; garments hide the class they part, and are hidden by the rest. */
function learn(known) {
  facts = known;
  const names = (kinds) => new Set((kinds ?? []).map(({ name }) => name));
  const [classes, garments] = [names(facts.classes), names(facts.garments)];
  for (const { id, name } of facts.garments ?? []) stage.hide("garments", id, classes.has(name));
  for (const { id, name } of facts.classes) {
    stage.hide("classes", id, garments.size > 0 && !garments.has(name));
  }
}

function arrange() {
  const empty = photos.list.length === 0;
  byId("welcome").hidden = !empty;
  byId("desk").hidden = empty;
  byId("add").hidden = empty;
  byId("training").hidden = !photos.list.some(({ corrected }) => corrected);
  offerEvery(byId("every"), taken("every").length, photos.list.length);
}

/** The button for all photos that are done; it says how many are not. */
function offerEvery(button, done, all) {
  const some = done === 1 ? "1 photo" : `${done} photos`;
  button.hidden = all < 2;
  button.disabled = done === 0 || taking.has(button);
  button.textContent = done === all ? `All ${some}` : `${some}, ${all - done} left out`;
}

async function show() {
  const photo = photos.current;
  correct(false);
  probe.hide();
  if (!photo) return;
  const read = photo.status === "done";
  if (read && !facts) learn(await info());
  byId("tools").hidden = !read;
  byId("legend").hidden = !read;
  byId("downloads").hidden = !read;
  parts = [];
  if (read) showDocument();
  else showMessage(photo, () => {
    photos.mark(photo, "waiting");
    queue.next();
  });
  await stage.show(photo, read ? facts : null);
}

function showDocument() {
  const photo = photos.current;
  parts = partsOf(photo.document, facts);
  showColors(photo, parts, {
    light: (part, index) => stage.light(part, index),
    darken: () => stage.darken(),
  });
  if (!correction.open) showLegend(parts, stage);
  arrange();
}

function correct(on) {
  if (on) compare(false);
  byId("correct").setAttribute("aria-pressed", String(on));
  byId("workbench").classList.toggle("correcting", on);
  byId("correcting").hidden = !on;
  if (on) correction.start(photos.current, facts);
  else correction.stop();
  if (!on && parts.length) showLegend(parts, stage);
}

/** The photos that a download is of. */
function taken(kind) {
  const done = photos.list.filter(({ status }) => status === "done");
  if (kind === "training") return done.filter(({ corrected }) => corrected);
  return kind === "every" ? done : [photos.current];
}

async function take(button, kind) {
  const of = taken(kind);
  const changes = of.map((photo) => photo.changes); // there may be more meanwhile
  taking.add(button);
  button.disabled = true;
  try {
    if (kind === "training") await downloadTraining(of, facts);
    else if (kind === "every") await downloadAll(of, facts);
    else await download(of[0], kind, facts);
    if (WITH_MASKS.includes(kind)) of.forEach((photo, i) => (photo.saved = changes[i]));
  } catch (problem) {
    say(problem.message);
  }
  taking.delete(button);
  button.disabled = false;
}
