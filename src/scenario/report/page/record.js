// The record: objects with all their versions, and what happened beside them.

const record = JSON.parse(document.getElementById('record').textContent);
const END = Math.max(record.end, 1);

// A version is told by what changed from the one before: see delta.rs.
function applied(old, delta) {
  if ('=' in delta) return delta['='];
  if ('#' in delta) {
    const list = old.slice();
    for (const [place, change] of Object.entries(delta['#'])) list[place] = applied(list[place], change);
    return list;
  }
  const [fields, gone = []] = delta['+'];
  const object = { ...old };
  for (const key of gone) delete object[key];
  for (const [key, change] of Object.entries(fields)) object[key] = applied(object[key], change);
  return object;
}

// The place of the version that an object had at a moment; -1 before it was there, and after it was gone.
function versionAt(object, moment) {
  if (object.gone !== undefined && moment > object.gone) return -1;
  let low = 0;
  let high = object.versions.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (object.versions[middle].at <= moment) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

// An object as of a version; null where the page has no room for it.
function bodyOf(object, place) {
  let body = null;
  for (let number = 0; number <= place; number++) {
    const { delta } = object.versions[number];
    if (delta === undefined) continue;
    if (body === null && !('=' in delta)) return null;
    body = applied(body, delta);
  }
  return body;
}

// What a version changed: paths with the values before and after; undefined where there was none.
function changesOf(object, place) {
  const { delta } = object.versions[place];
  if (place === 0 || delta === undefined) return [];
  const found = [];
  walk(bodyOf(object, place - 1), delta, [], found);
  return found.filter(({ path }) => path.join('.') !== 'metadata.resourceVersion');
}

function walk(old, delta, path, found) {
  if ('=' in delta) {
    found.push({ path, before: old, after: delta['='] });
  } else if ('#' in delta) {
    for (const [place, change] of Object.entries(delta['#'])) walk(old[place], change, [...path, place], found);
  } else {
    const [fields, gone = []] = delta['+'];
    for (const [key, change] of Object.entries(fields)) walk(old?.[key], change, [...path, key], found);
    for (const key of gone) found.push({ path: [...path, key], before: old[key], after: undefined });
  }
}

const endOf = (object) => object.gone ?? END;
const startOf = (object) => object.versions[0].at;
const fullName = (object) => `${object.kind} ${object.namespace ? `${object.namespace}/` : ''}${object.name}`;
// A node's name without the cluster's, which all of them have.
const nodeName = (name) =>
  name.startsWith(`${record.cluster}-`) ? name.slice(record.cluster.length + 1) : name;
const SYSTEM = new Set(['kube-system', 'kube-public', 'kube-node-lease', 'local-path-storage']);
const isSystem = (object) => SYSTEM.has(object.namespace);

const WORDS = {
  ready: 'Ready', running: 'Not ready', pending: 'Pending', terminating: 'Terminating', failed: 'Failed',
  succeeded: 'Succeeded', notready: 'NotReady', unknown: 'Unknown', there: '',
};
const wordOf = (name) => {
  const [state, cordoned] = name.split(' ');
  return WORDS[state] + (cordoned ? ', cordoned' : '');
};

// The states of an object, one after the other: neighbours that look the same are one.
function segmentsOf(object) {
  const segments = [];
  for (const version of object.versions) {
    const last = segments[segments.length - 1];
    if (last && last.name === version.class) continue;
    if (last) last.to = version.at;
    segments.push({ name: version.class, from: version.at, to: endOf(object) });
  }
  return segments.filter(({ from, to }) => to > from || segments.length === 1);
}

const seconds = (moment) => `${(moment / 1e6).toFixed(3)} s`;

function clock(moment) {
  const time = new Date(Date.parse(record.time) + moment / 1000);
  return Number.isNaN(time.getTime()) ? '' : `${time.toISOString().slice(11, 23)} UTC`;
}
