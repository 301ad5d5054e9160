// The plot: the axis, and a lane for each kind of bar.

const eventsByObject = new Map();
for (const event of record.events) {
  if (event.object === undefined) continue;
  const list = eventsByObject.get(event.object) ?? [];
  list.push(event);
  eventsByObject.set(event.object, list);
}
const places = new Map(record.objects.map((object, place) => [object, place]));
const eventsOf = (object) => eventsByObject.get(places.get(object)) ?? [];

function objectDetails(object) {
  return {
    title: fullName(object),
    from: startOf(object),
    to: endOf(object),
    moments: [...object.versions.map(({ at }) => at)],
    owner: object.owner && `${object.namespace}/${object.owner}`,
    lines(moment) {
      const place = versionAt(object, moment);
      if (place < 0) return ['does not exist'];
      const version = object.versions[place];
      const lines = [version.state || wordOf(version.class)].filter(Boolean);
      if (object.owner) lines.push(`controlled by ${object.owner}`);
      return lines;
    },
    events: () => eventsOf(object),
    open: (moment) => openObject(object, moment),
  };
}

function occurrenceDetails(occurrence, kind) {
  return {
    title: `${KINDS[kind]} ${occurrence.name}`,
    from: occurrence.from,
    to: occurrence.to,
    moments: [occurrence.from, occurrence.decisive, occurrence.to].filter((moment) => moment !== undefined),
    lines: () => [
      occurrence.state,
      `${seconds(occurrence.from)} to ${seconds(occurrence.to)}`,
      ...occurrence.facts.map(([title, text]) => `${title}: ${text}`),
    ],
    events: () => [],
    open: (moment) => openOccurrence(occurrence, KINDS[kind], moment),
  };
}

const KINDS = { step: 'Step', fault: 'Fault', assertion: 'Assertion', outage: 'API server:', gap: 'Watch of' };
const shown = { workload: false, system: false };
const folded = new Set(['Other objects']);

function axis() {
  const row = create('div', 'row axis');
  const track = create('div', 'track');
  track.id = 'axis';
  row.append(create('div', 'label', 'seconds'), track);
  redrawn.push(() => {
    track.replaceChildren();
    const most = Math.max(2, Math.floor(view.pixels / 64));
    const rough = (view.to - view.from) / most;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough);
    const digits = Math.max(0, 6 - Math.floor(Math.log10(step) + 1e-9));
    for (let at = Math.ceil(view.from / step) * step; at <= view.to; at += step) {
      const tick = create('span', 'tick', (at / 1e6).toFixed(digits));
      tick.style.left = `${shareOf(at) * 100}%`;
      track.append(tick);
    }
  });
  return row;
}

function lane(name, rows) {
  if (rows.length === 0) return [];
  const section = create('section', 'lane');
  const title = create('h3');
  const button = create('button', 'fold', name);
  button.type = 'button';
  const body = create('div', 'rows');
  body.append(...rows);
  const fold = (isFolded) => {
    button.setAttribute('aria-expanded', String(!isFolded));
    body.hidden = isFolded;
  };
  fold(folded.has(name));
  button.addEventListener('click', () => {
    folded.has(name) ? folded.delete(name) : folded.add(name);
    fold(folded.has(name));
    redraw();
  });
  title.append(button);
  section.append(title, body);
  return [section];
}

const byName = (one, other) => fullName(one).localeCompare(fullName(other), 'en', { numeric: true });
const byOwner = (one, other) =>
  `${one.namespace}/${one.owner ?? ''}`.localeCompare(`${other.namespace}/${other.owner ?? ''}`) ||
  startOf(one) - startOf(other) || byName(one, other);

// The owner of a pod, unless the pod is named after it.
const ownerOf = (pod) => (pod.owner && pod.name.startsWith(`${pod.owner.split(' ')[1]}-`) ? '' : pod.owner);

function podRow(pod, detail) {
  const namespace = pod.namespace === 'default' ? '' : pod.namespace;
  return objectRow(pod, 2, [namespace, detail].filter(Boolean).join(', '));
}

function nodesAndPods() {
  const isShown = (object) => shown.system || !isSystem(object);
  const nodes = record.objects.filter(({ kind }) => kind === 'Node').sort(byName);
  const pods = record.objects.filter((object) => object.kind === 'Pod' && isShown(object));
  if (shown.workload) {
    const workloads = new Map();
    for (const pod of pods.sort(byOwner)) {
      const key = pod.owner ? `${pod.namespace}/${pod.owner}` : '';
      workloads.set(key, [...(workloads.get(key) ?? []), pod]);
    }
    const rows = [...workloads].flatMap(([key, list]) => [
      create('div', 'group', key ? `${list[0].owner}${list[0].namespace === 'default' ? '' : ` in ${list[0].namespace}`}` : 'no workload'),
      ...list.map((pod) => podRow(pod, pod.node ? `on ${nodeName(pod.node)}` : 'not scheduled')),
    ]);
    return [...lane('Nodes', nodes.map((node) => objectRow(node, 1))), ...lane('Pods by workload', rows)];
  }
  const rows = nodes.flatMap((node) => [
    objectRow(node, 1, 'node'),
    ...pods.filter((pod) => pod.node === node.name).sort(byOwner).map((pod) => podRow(pod, ownerOf(pod))),
  ]);
  const known = new Set(nodes.map(({ name }) => name));
  const unscheduled = pods.filter((pod) => !known.has(pod.node)).sort(byOwner);
  if (unscheduled.length > 0) {
    rows.push(create('div', 'group', 'not scheduled'), ...unscheduled.map((pod) => podRow(pod, ownerOf(pod))));
  }
  return lane('Nodes and their pods', rows);
}

function others() {
  const list = record.objects.filter((object) => !['Node', 'Pod'].includes(object.kind));
  const isShown = (object) => shown.system || !isSystem(object);
  return lane('Other objects', list.filter(isShown).sort(byName).map((object) => objectRow(object, 1)));
}

function bands() {
  const layer = create('div', 'bands');
  const cursor = create('div', 'cursor');
  cursor.id = 'cursor';
  const selection = create('div', 'selection');
  selection.id = 'selection';
  selection.hidden = true;
  const list = [...record.outages, ...record.faults].map((occurrence) => {
    const band = create('div', `band ${occurrence.class}`);
    layer.append(band);
    return { band, occurrence };
  });
  layer.append(cursor, selection);
  redrawn.push(() => {
    for (const { band, occurrence } of list) position(band, occurrence.from, occurrence.to);
  });
  return layer;
}

function build() {
  redrawn.length = 0;
  measured.length = 0;
  const watch = [];
  if (record.outages.length > 0) watch.push(packedRow('API server', record.outages, 'outage'));
  if (record.gaps.length > 0) watch.push(packedRow('Watches', record.gaps, 'gap'));
  const packed = (name, list, kind) => (list.length > 0 ? [packedRow('', list, kind)] : []);
  document.getElementById('plot').replaceChildren(
    axis(),
    ...lane('Steps', packed('', record.steps, 'step')),
    ...lane('Faults', packed('', record.faults, 'fault')),
    ...lane('Assertions', packed('', record.assertions, 'assertion')),
    ...lane('Not observed', watch),
    ...nodesAndPods(),
    ...others(),
    bands(),
  );
  redraw();
}
