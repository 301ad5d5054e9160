// The plot: the axis, and a lane for each kind of bar.

const eventsByObject = Map.groupBy(record.events, ({ object }) => object);
const places = new Map(record.objects.map((object, place) => [object, place]));
const eventsOf = (object) => eventsByObject.get(places.get(object)) ?? [];

function objectDetails(object) {
  return {
    title: fullName(object),
    from: startOf(object),
    to: endOf(object),
    moments: object.versions.map(({ at }) => at),
    owner: object.owner && `${object.namespace}/${object.owner}`,
    lines(moment) {
      const version = object.versions[versionAt(object, moment)];
      if (!version) return ['does not exist'];
      const owner = object.owner && `controlled by ${object.owner}`;
      return [version.state || wordOf(version.class), owner].filter(Boolean);
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
  const track = create('div', 'track');
  track.id = 'axis';
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
  return create('div', 'row axis', create('div', 'label', 'seconds'), track);
}

function lane(name, rows) {
  if (rows.length === 0) return [];
  const button = create('button', 'fold', name);
  const body = create('div', 'rows', ...rows);
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
  return [create('section', 'lane', create('h3', '', button), body)];
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

const isShown = (object) => shown.system || !isSystem(object);

function nodesAndPods() {
  const nodes = record.objects.filter(({ kind }) => kind === 'Node').sort(byName);
  const pods = record.objects.filter((object) => object.kind === 'Pod' && isShown(object));
  if (shown.workload) {
    const keyOf = (pod) => (pod.owner ? `${pod.namespace}/${pod.owner}` : '');
    const workloads = Map.groupBy(pods.sort(byOwner), keyOf);
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
  return lane('Other objects', list.filter(isShown).sort(byName).map((object) => objectRow(object, 1)));
}

function bands() {
  const cursor = create('div', 'cursor');
  cursor.id = 'cursor';
  const selection = create('div', 'selection');
  selection.id = 'selection';
  selection.hidden = true;
  const list = [...record.outages, ...record.faults]
    .map((occurrence) => ({ band: create('div', `band ${occurrence.class}`), occurrence }));
  redrawn.push(() => {
    for (const { band, occurrence } of list) position(band, occurrence.from, occurrence.to);
  });
  return create('div', 'bands', ...list.map(({ band }) => band), cursor, selection);
}

function build() {
  redrawn.length = 0;
  measured.length = 0;
  const packed = (name, list, kind) => (list.length > 0 ? [packedRow(name, list, kind)] : []);
  document.getElementById('plot').replaceChildren(
    axis(),
    ...lane('Steps', packed('', record.steps, 'step')),
    ...lane('Faults', packed('', record.faults, 'fault')),
    ...lane('Assertions', packed('', record.assertions, 'assertion')),
    ...lane('Not observed', [
      ...packed('API server', record.outages, 'outage'),
      ...packed('Watches', record.gaps, 'gap'),
    ]),
    ...nodesAndPods(),
    ...others(),
    bands(),
  );
  redraw();
}
