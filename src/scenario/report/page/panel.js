// The panel: an object as it was at a moment with its last changes, or the details of another bar.

const panel = document.getElementById('panel');
let opener = null;

function openPanel(title, parts) {
  if (panel.hidden) opener = document.activeElement;
  const close = create('button', 'close', '×');
  close.setAttribute('aria-label', 'Close');
  close.addEventListener('click', closePanel);
  const heading = create('h2', '', title);
  heading.id = 'panel-title';
  heading.tabIndex = -1;
  panel.replaceChildren(create('div', 'head', heading, close), create('div', 'body', ...parts));
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

function momentButton(moment) {
  const button = create('button', 'moment', seconds(moment));
  button.dataset.at = moment;
  return button;
}

function facts(list) {
  const fact = ([name, value]) => create('div', '', create('dt', '', name), create('dd', '', value));
  return create('dl', 'facts', ...list.map(fact));
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
    const other = object.versions[place + by];
    button.disabled = !other;
    button.addEventListener('click', () => {
      reveal(other.at);
      openObject(object, other.at);
    });
    return button;
  };
  const steps = create('div', 'set', step(-1, '‹ previous version'), step(1, 'next version ›'));
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
  const rows = changes.map(({ path, before, after }) => {
    const values = [create('del', '', brief(before)), ' → ', create('ins', '', brief(after))];
    return create('tr', '', create('th', '', path.join('.')), create('td', '', ...values));
  });
  return [create('h3', '', 'Changes from the previous version'), create('table', 'changes', ...rows)];
}

function eventsPart(object) {
  const events = eventsOf(object).slice(-20);
  if (events.length === 0) return [];
  const items = events.map(({ at, text }) => create('li', '', momentButton(at), ` ${text}`));
  return [create('h3', '', 'Events'), create('ul', 'lines', ...items)];
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
  const lines = yamlLines(body)
    .map(({ text, path }) => create(isChanged(path) ? 'mark' : 'span', '', `${text}\n`));
  const pre = create('pre', 'yaml', ...lines);
  pre.tabIndex = 0;
  pre.setAttribute('aria-label', 'The object as YAML; changed lines are marked');
  return [create('h3', '', 'The object'), pre];
}
