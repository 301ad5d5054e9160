// Rows, their bars, and the positions of the bars in time.

function create(tag, name, text) {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (text !== undefined) element.textContent = text;
  return element;
}

// What each bar shows: { title, from, to, moments, lines(moment), open(moment), owner }.
const barDetails = new WeakMap();

function barOf(details, name) {
  const bar = create('button', `bar ${name}`);
  bar.type = 'button';
  bar.setAttribute('aria-label', [details.title, ...details.lines(details.from)].join(', '));
  barDetails.set(bar, details);
  return bar;
}

// Positions an element by its time. Hides it outside of the view.
function position(element, from, to) {
  const left = Math.max(0, shareOf(from));
  const right = Math.min(1, shareOf(to));
  element.hidden = right < 0 || left > 1 || right < left;
  element.style.left = `${left * 100}%`;
  element.style.width = `${Math.max(0, right - left) * 100}%`;
}

// The row of one object: its name and a bar of its states.
function objectRow(object, level, detail) {
  const row = create('div', `row object level${level}`);
  row.dataset.kind = object.kind;
  const label = create('div', 'label');
  const name = object.kind === 'Node' ? nodeName(object.name) : level === 1 ? fullName(object) : object.name;
  label.append(create('span', 'name', name));
  if (detail) label.append(create('span', 'detail', detail));
  label.title = fullName(object);
  const track = create('div', 'track');
  const bar = barOf(objectDetails(object), 'states');
  bar.dataset.uid = object.uid;
  bar.dataset.kind = object.kind;
  const segments = segmentsOf(object).map((segment) => {
    const element = create('span', `segment ${segment.name}`, wordOf(segment.name));
    bar.append(element);
    return { ...segment, element, room: wordOf(segment.name).length * 6.2 + 8 };
  });
  const warnings = eventsOf(object).filter(({ warning }) => warning).map(({ at }) => {
    const element = create('span', 'warning');
    track.append(element);
    return { at, element };
  });
  if (object.deleted === undefined) bar.classList.add('open-end');
  track.prepend(bar);
  row.append(label, track);
  redrawn.push(() => {
    const [start, end] = [startOf(object), endOf(object)];
    position(bar, start, end);
    const from = Math.max(start, view.from);
    const width = Math.max(1, Math.min(end, view.to) - from);
    for (const { element, room, ...segment } of segments) {
      const left = Math.max(segment.from, from);
      const right = Math.min(segment.to, view.to);
      element.hidden = right < left;
      element.style.left = `${((left - from) / width) * 100}%`;
      element.style.width = `${(Math.max(0, right - left) / width) * 100}%`;
      const pixels = ((right - left) / (view.to - view.from)) * view.pixels;
      element.classList.toggle('silent', pixels < room);
    }
    for (const { at, element } of warnings) {
      element.hidden = at < view.from || at > view.to;
      element.style.left = `${shareOf(at) * 100}%`;
    }
  });
  return row;
}

const LINE = 24;

// A row in which bars share as few lines as their names allow.
function packedRow(name, list, kind) {
  const row = create('div', 'row packed');
  const track = create('div', 'track');
  const items = list.map((occurrence) => {
    const bar = barOf(occurrenceDetails(occurrence, kind), `${kind} ${occurrence.class}`);
    bar.dataset.kind = kind;
    const sign = SIGNS[occurrence.class] ?? '';
    const mark = occurrence.decisive === undefined ? null : create('span', 'mark', sign);
    const text = create('span', 'name', mark || !sign ? occurrence.name : `${sign} ${occurrence.name}`);
    bar.append(text);
    if (mark) bar.append(mark);
    track.append(bar);
    return { bar, text, mark, occurrence };
  });
  row.append(create('div', 'label', name), track);
  // The bars of a folded lane have no size yet.
  measured.push(() => items.filter(({ room }) => !room).forEach((item) => {
    item.text.style.maxWidth = '';
    item.room = item.text.offsetWidth;
  }));
  redrawn.push(() => pack(track, items));
  return row;
}

const SIGNS = { pass: '✓', fail: '✗', inconclusive: '?', retried: '↻', fault: '⚡' };

function pack(track, items) {
  const width = view.pixels;
  const lines = [];
  for (const item of items) {
    const { bar, text, mark, occurrence } = item;
    position(bar, occurrence.from, occurrence.to);
    if (bar.hidden) continue;
    let room = Math.min(item.room + 6, width);
    const left = Math.max(0, shareOf(occurrence.from)) * width;
    const right = Math.min(1, shareOf(occurrence.to)) * width;
    let start = left + 4;
    let [first, last] = [left, Math.max(right, left + 4)];
    if (mark) {
      const at = shareOf(occurrence.decisive) * width;
      const shown = Math.max(10, Math.min(width - 10, at));
      mark.hidden = at < -1 || at > width + 1;
      mark.style.left = `${shown - left}px`;
      if (!mark.hidden) {
        const [before, after] = [shown - 11, width - shown - 11];
        const isInTheWay = shown > start - 10 && shown < start + room + 10;
        if (isInTheWay || start + room > width) {
          // After the mark if the name fits there, otherwise before it, otherwise truncated on the wider side.
          const isAfter = after >= room || (before < room && after > before);
          room = Math.min(room, isAfter ? after : before);
          start = isAfter ? shown + 11 : shown - room - 11;
        }
        [first, last] = [Math.min(first, shown - 9), Math.max(last, shown + 9)];
      }
    }
    // A name that does not fit after the start of its bar goes before it.
    if (start + room > width && right - left < room) start = left - room;
    start = Math.max(0, Math.min(start, width - room));
    text.style.left = `${start - left}px`;
    text.style.maxWidth = `${room}px`;
    first = Math.min(first, start) - 4;
    last = Math.max(last, start + room) + 4;
    let line = lines.findIndex((end) => end <= first);
    if (line < 0) line = lines.length;
    lines[line] = last;
    bar.style.top = `${line * LINE}px`;
  }
  track.style.height = `${Math.max(1, lines.length) * LINE}px`;
}
