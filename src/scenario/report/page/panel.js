// The panel: an object as it was at a moment with its last changes, or the details of another bar.

const panel = document.getElementById('panel');
let opener = null;

function openPanel(title, parts) {
  if (panel.hidden) opener = document.activeElement;
  const close = create('button', 'close', '×');
  close.type = 'button';
  close.setAttribute('aria-label', 'Close');
  close.addEventListener('click', closePanel);
  const heading = create('h2', '', title);
  heading.id = 'panel-title';
  heading.tabIndex = -1;
  const head = create('div', 'head');
  head.append(heading, close);
  const body = create('div', 'body');
  body.append(...parts);
  panel.replaceChildren(head, body);
  panel.hidden = false;
  document.body.classList.add('has-panel');
  heading.focus({ preventScroll: true });
}

function closePanel() {
  panel.hidden = true;
  document.body.classList.remove('has-panel');
  opener?.focus({ preventScroll: true });
  opener = null;
}

function momentButton(moment, text) {
  const button = create('button', 'moment', text ?? seconds(moment));
  button.type = 'button';
  button.dataset.at = moment;
  return button;
}

function facts(list) {
  const all = create('dl', 'facts');
  for (const [name, value] of list) {
    const fact = create('div');
    const detail = create('dd');
    detail.append(value);
    fact.append(create('dt', '', name), detail);
    all.append(fact);
  }
  return all;
}

function openOccurrence(occurrence, kind, moment) {
  openPanel(`${kind} ${occurrence.name}`, [
    facts([
      ['State', occurrence.state],
      ['From', momentButton(occurrence.from)],
      ['To', momentButton(occurrence.to)],
      ['Duration', seconds(occurrence.to - occurrence.from)],
      ...(occurrence.decisive === undefined ? [] : [['Decisive at', momentButton(occurrence.decisive)]]),
      ...occurrence.facts,
    ]),
  ]);
  setCursor(moment);
}

function openObject(object, moment) {
  const place = Math.max(0, versionAt(object, Math.min(moment, endOf(object))));
  const version = object.versions[place];
  const step = (by, text) => {
    const button = create('button', '', text);
    button.type = 'button';
    const other = object.versions[place + by];
    button.disabled = !other;
    button.addEventListener('click', () => {
      reveal(other.at);
      openObject(object, other.at);
    });
    return button;
  };
  const steps = create('div', 'set');
  steps.append(step(-1, '‹ previous version'), step(1, 'next version ›'));
  const event = {
    initial: 'existed at the start', added: 'created', deleted: 'deleted',
    found: 'found after a gap', missed: 'missing after a gap',
  }[version.event] ?? 'changed';
  const list = [
    ['Shown at', momentButton(moment)],
    ['Version', `${place + 1} of ${object.versions.length}, ${event} at ${seconds(version.at)}`],
  ];
  if (version.state) list.push(['State', version.state]);
  if (object.owner) list.push(['Controller', object.owner]);
  openPanel(fullName(object), [facts(list), steps, ...changesPart(object, place), ...eventsPart(object), ...bodyPart(object, place)]);
}

function changesPart(object, place) {
  const changes = changesOf(object, place);
  if (changes.length === 0) return [];
  const table = create('table', 'changes');
  for (const { path, before, after } of changes) {
    const row = create('tr');
    const values = create('td');
    values.append(create('del', '', brief(before)), ' → ', create('ins', '', brief(after)));
    row.append(create('th', '', path.join('.')), values);
    table.append(row);
  }
  return [create('h3', '', 'Changes from the previous version'), table];
}

function eventsPart(object) {
  const events = eventsOf(object).slice(-20);
  if (events.length === 0) return [];
  const list = create('ul', 'lines');
  for (const { at, text } of events) {
    const item = create('li');
    item.append(momentButton(at), ` ${text}`);
    list.append(item);
  }
  return [create('h3', '', 'Events'), list];
}

function bodyPart(object, place) {
  const body = bodyOf(object, place);
  if (body === null) return [create('p', 'note', 'Left out to limit the size of this page. See the record.')];
  const changed = changesOf(object, place)
    .filter(({ after }) => after !== undefined)
    .map(({ path }) => path.join('\n'));
  const isChanged = (path) => {
    const at = path.join('\n');
    return changed.some((change) => at === change || at.startsWith(`${change}\n`));
  };
  const pre = create('pre', 'yaml');
  for (const { text, path } of yamlLines(body)) {
    pre.append(create(isChanged(path) ? 'mark' : 'span', '', `${text}\n`));
  }
  pre.tabIndex = 0;
  pre.setAttribute('aria-label', 'The object as YAML; changed lines are marked');
  return [create('h3', '', 'The object'), pre];
}
