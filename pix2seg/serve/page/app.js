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
correction.addEventListener("change", () => {
  photos.correct(photos.current);
  follow(photos.current, facts);
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
  byId("every").hidden = photos.list.length < 2;
  byId("every").textContent = `All ${photos.list.length} photos`;
  byId("training").hidden = !photos.list.some(({ corrected }) => corrected);
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

async function take(button, kind) {
  button.disabled = true;
  const done = photos.list.filter(({ status }) => status === "done");
  try {
    if (kind === "training") await downloadTraining(done.filter((p) => p.corrected), facts);
    else if (kind === "every") await downloadAll(done, facts);
    else await download(photos.current, kind, facts);
  } catch (problem) {
    say(problem.message);
  }
  button.disabled = false;
}
