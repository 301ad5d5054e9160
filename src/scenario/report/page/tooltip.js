// The tooltip of the bar under the pointer or with the focus.

const tooltip = document.getElementById('tooltip');
let focused = null;

function showTooltip(bar, moment, x, y) {
  const details = barDetails.get(bar);
  const near = (view.to - view.from) * (5 / view.pixels);
  const events = details.events().filter(({ at }) => Math.abs(at - moment) <= near).slice(0, 3);
  tooltip.replaceChildren(
    create('strong', '', details.title),
    create('span', 'when', `at ${seconds(moment)}`),
    ...details.lines(moment).map((line) => create('span', '', line)),
    ...events.map(({ at, text }) => create('span', 'event', `${seconds(at)} ${text}`)),
  );
  tooltip.hidden = false;
  const { offsetWidth: width, offsetHeight: height } = tooltip;
  const room = document.documentElement.clientWidth;
  tooltip.style.left = `${Math.max(4, Math.min(room - width - 4, x + 12))}px`;
  tooltip.style.top = `${y + 16 + height > window.innerHeight ? Math.max(4, y - height - 12) : y + 16}px`;
  relate(details);
}

// Marks the pods of the same workload, for example the replacements of a pod.
let related = null;
function relate(details) {
  const owner = details?.owner || null;
  if (owner === related) return;
  related = owner;
  for (const bar of document.querySelectorAll('.bar.states')) {
    bar.closest('.row').classList.toggle('related', owner !== null && barDetails.get(bar).owner === owner);
  }
}

function hideTooltip() {
  tooltip.hidden = true;
  relate(null);
}

// Shows the tooltip of the bar with the focus, at the bar.
function showFocused(bar, moment) {
  focused = { bar, moment };
  reveal(moment);
  const track = bar.closest('.track').getBoundingClientRect();
  const y = bar.getBoundingClientRect().bottom - 8;
  showTooltip(bar, moment, track.left + shareOf(moment) * track.width, y);
}

function listen(plot) {
  plot.addEventListener('pointermove', (event) => {
    const track = event.target.closest('.track');
    if (!track || event.pointerType === 'touch') return hideTooltip();
    const moment = momentAt(track, event.clientX);
    setCursor(moment);
    const bar = event.target.closest('.bar');
    bar ? showTooltip(bar, moment, event.clientX, event.clientY) : hideTooltip();
  });
  plot.addEventListener('pointerleave', hideTooltip);
  plot.addEventListener('focusin', (event) => {
    const bar = event.target.closest('.bar');
    if (!bar || !bar.matches(':focus-visible')) return;
    const details = barDetails.get(bar);
    const isWithin = view.cursor !== null && view.cursor >= details.from && view.cursor <= details.to;
    showFocused(bar, isWithin ? view.cursor : Math.max(details.from, Math.min(view.from, details.to)));
  });
  plot.addEventListener('focusout', () => {
    focused = null;
    hideTooltip();
  });
  plot.addEventListener('click', (event) => {
    const bar = event.target.closest('.bar');
    if (!bar) return;
    // The Enter key sends a click without a position.
    const isKey = event.detail === 0;
    const moment = isKey && focused?.bar === bar ? focused.moment
      : isKey ? barDetails.get(bar).from : momentAt(bar.closest('.track'), event.clientX);
    setCursor(moment);
    hideTooltip();
    barDetails.get(bar).open(moment);
  });
  plot.addEventListener('keydown', (event) => {
    const bar = event.target.closest('.bar');
    if (!bar || !['ArrowLeft', 'ArrowRight'].includes(event.key)) return;
    event.preventDefault();
    const { moments, from } = barDetails.get(bar);
    const at = focused?.bar === bar ? focused.moment : from;
    const next = event.key === 'ArrowRight'
      ? moments.find((moment) => moment > at)
      : moments.findLast((moment) => moment < at);
    if (next !== undefined) showFocused(bar, next);
  });
}

// A drag over the axis or over an empty part of a track zooms in.
function listenForSelection(plot) {
  const selection = () => document.getElementById('selection');
  let drag = null;
  plot.addEventListener('pointerdown', (event) => {
    const track = event.target.closest('.track');
    const isFree = track?.id === 'axis' || event.pointerType === 'mouse';
    if (!track || !isFree || event.target.closest('.bar') || event.button !== 0) return;
    drag = { track, from: momentAt(track, event.clientX), x: event.clientX };
    plot.setPointerCapture(event.pointerId);
  });
  plot.addEventListener('pointermove', (event) => {
    if (!drag) return;
    const to = momentAt(drag.track, event.clientX);
    position(selection(), Math.min(drag.from, to), Math.max(drag.from, to));
    setCursor(to);
  });
  plot.addEventListener('pointerup', (event) => {
    if (!drag) return;
    const { track, from, x } = drag;
    drag = null;
    selection().hidden = true;
    const to = momentAt(track, event.clientX);
    Math.abs(event.clientX - x) > 6 ? show(Math.min(from, to), Math.max(from, to)) : setCursor(to);
  });
  plot.addEventListener('pointercancel', () => {
    drag = null;
    selection().hidden = true;
  });
}
