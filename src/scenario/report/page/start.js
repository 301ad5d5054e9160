// Starts the page.

function legend() {
  const entries = [
    ['ready', 'ready'], ['running', 'running, not ready'], ['pending', 'pending'],
    ['terminating', 'terminating'], ['failed', 'failed'], ['succeeded', 'succeeded'],
    ['notready', 'not ready'], ['unknown', 'unknown'], ['ready cordoned', 'cordoned'],
    ['outage', 'not observed'],
  ];
  const isUsed = ([name]) => name === 'outage'
    ? record.outages.length + record.gaps.length > 0
    : record.objects.some(({ versions }) => versions.some((version) => version.class === name));
  const list = entries.filter(isUsed).map(([name, text]) => {
    const entry = create('span', 'entry');
    entry.append(create('span', `segment ${name}`), text);
    return entry;
  });
  if (record.events.some(({ warning }) => warning)) {
    const entry = create('span', 'entry');
    entry.append(create('span', 'warning'), 'warning Event');
    list.push(entry);
  }
  document.getElementById('legend').replaceChildren(...list);
}

function onClick(name, action) {
  document.getElementById(name).addEventListener('click', action);
}

function groupPods(isByWorkload) {
  shown.workload = isByWorkload;
  document.getElementById('by-workload').setAttribute('aria-pressed', String(isByWorkload));
  document.getElementById('by-node').setAttribute('aria-pressed', String(!isByWorkload));
  build();
}

onClick('zoom-in', () => zoom(0.5));
onClick('zoom-out', () => zoom(2));
onClick('earlier', () => pan(-0.5));
onClick('later', () => pan(0.5));
onClick('all', () => show(0, END));
onClick('by-node', () => groupPods(false));
onClick('by-workload', () => groupPods(true));
onClick('system', (event) => {
  shown.system = !shown.system;
  event.currentTarget.setAttribute('aria-pressed', String(shown.system));
  build();
});

document.addEventListener('click', (event) => {
  const button = event.target.closest('button.moment, button.object');
  if (!button) return;
  const moment = Number(button.dataset.at);
  reveal(moment);
  if (button.classList.contains('object')) {
    const object = record.objects.find(({ uid }) => uid === button.dataset.uid);
    if (object) openObject(object, moment);
  } else if (!button.closest('#panel')) {
    document.getElementById('timeline').scrollIntoView({ block: 'start' });
  }
});

document.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape') return;
  if (!tooltip.hidden) hideTooltip();
  else if (!panel.hidden) closePanel();
});

document.getElementById('notes').append(...record.notes.map((note) => create('p', 'note', note)));
const plot = document.getElementById('plot');
legend();
build();
listen(plot);
listenForSelection(plot);

// The rows change the height of the plot, but only its width matters to them.
let width = plot.clientWidth;
new ResizeObserver(() => {
  if (plot.clientWidth === width) return;
  width = plot.clientWidth;
  redraw();
}).observe(plot);
