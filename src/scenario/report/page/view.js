// The part of the run that is shown, and the moment that is looked at.

const view = { from: 0, to: END, cursor: null, pixels: 1 };
const NARROWEST = Math.min(END, 20000);
const redrawn = [];
const measured = [];

// Shows a part of the run, as far as there is one.
function show(from, to) {
  const width = Math.min(END, Math.max(NARROWEST, to - from));
  const middle = (from + to) / 2;
  view.from = Math.max(0, Math.min(END - width, middle - width / 2));
  view.to = view.from + width;
  redraw();
}

// Narrows the view around the cursor by a factor, else around its middle.
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

// Looks at a moment; null looks at none.
function look(moment) {
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

// Shows a moment: moves the view where it is outside.
function reveal(moment) {
  const width = view.to - view.from;
  if (moment < view.from || moment > view.to) show(moment - width / 2, moment + width / 2);
  look(moment);
}

const shareOf = (moment) => (moment - view.from) / (view.to - view.from);

function momentAt(track, x) {
  const box = track.getBoundingClientRect();
  const share = Math.max(0, Math.min(1, (x - box.left) / Math.max(1, box.width)));
  return Math.round(view.from + share * (view.to - view.from));
}

// All is measured before anything is moved: a browser lays out once, not for each row.
function redraw() {
  view.pixels = Math.max(1, document.getElementById('axis').clientWidth);
  for (const measure of measured) measure();
  for (const draw of redrawn) draw();
  look(view.cursor);
}
