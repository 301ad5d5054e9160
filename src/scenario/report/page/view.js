// The visible part of the run, and the moment of the cursor.

const view = { from: 0, to: END, cursor: null, pixels: 1 };
const NARROWEST = Math.min(END, 20000);
const redrawn = [];
const measured = [];

// Shows a part of the run.
function show(from, to) {
  const width = Math.min(END, Math.max(NARROWEST, to - from));
  const middle = (from + to) / 2;
  view.from = Math.max(0, Math.min(END - width, middle - width / 2));
  view.to = view.from + width;
  redraw();
}

// Scales the view by a factor around the cursor, or around its middle if the cursor is not visible.
function zoom(factor) {
  const width = (view.to - view.from) * factor;
  const isSeen = view.cursor !== null && view.cursor >= view.from && view.cursor <= view.to;
  const around = isSeen ? view.cursor : (view.from + view.to) / 2;
  const share = (around - view.from) / (view.to - view.from);
  show(around - width * share, around + width * (1 - share));
}

function pan(share) {
  const by = (view.to - view.from) * share;
  const stays = Math.max(-view.from, Math.min(END - view.to, by));
  show(view.from + stays, view.to + stays);
}

// Moves the cursor to a moment; null removes it.
function setCursor(moment) {
  view.cursor = moment;
  const line = document.getElementById('cursor');
  const output = document.getElementById('cursor-time');
  const isSeen = moment !== null && moment >= view.from && moment <= view.to;
  if (line) {
    line.hidden = !isSeen;
    if (isSeen) line.style.left = `${shareOf(moment) * 100}%`;
  }
  output.textContent = moment === null ? '' : `${seconds(moment)} · ${clock(moment)}`;
}

// Moves the cursor to a moment, and the view if the moment is outside.
function reveal(moment) {
  const width = view.to - view.from;
  if (moment < view.from || moment > view.to) show(moment - width / 2, moment + width / 2);
  setCursor(moment);
}

const shareOf = (moment) => (moment - view.from) / (view.to - view.from);

function momentAt(track, x) {
  const box = track.getBoundingClientRect();
  const share = Math.max(0, Math.min(1, (x - box.left) / Math.max(1, box.width)));
  return Math.round(view.from + share * (view.to - view.from));
}

// Measures everything before anything moves, so that the browser lays out once and not for each row.
function redraw() {
  view.pixels = Math.max(1, document.getElementById('axis').clientWidth);
  for (const measure of measured) measure();
  for (const draw of redrawn) draw();
  setCursor(view.cursor);
}
