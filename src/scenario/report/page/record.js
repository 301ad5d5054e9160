// The record: objects with all their versions, and everything else that happened.

const record = JSON.parse(document.getElementById('record').textContent);
const END = Math.max(record.end, 1);

const keysOf = (pointer) =>
  pointer.split('/').slice(1).map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
const valueAt = (root, keys) => keys.reduce((value, key) => value?.[key], root);

// Applies one operation of a JSON Patch (RFC 6902) in place. Returns the root, which can be a new value.
function applied(root, { op, path, value }) {
  const keys = keysOf(path);
  // Later operations must not change the record.
  const copy = structuredClone(value);
  if (keys.length === 0) return copy;
  const key = keys.pop();
  const parent = valueAt(root, keys);
  if (Array.isArray(parent) && op === 'add') parent.splice(Number(key), 0, copy);
  else if (Array.isArray(parent) && op === 'remove') parent.splice(Number(key), 1);
  else if (op === 'remove') delete parent[key];
  else parent[key] = copy;
  return root;
}

// The index of an object's version at a moment; -1 before its creation and after its deletion.
function versionAt(object, moment) {
  if (object.deleted !== undefined && moment > object.deleted) return -1;
  return object.versions.findLastIndex(({ at }) => at <= moment);
}

// An object as of a version; null if the page has no room for it.
const bodyOf = (object, place) =>
  object.versions.slice(0, place + 1).flatMap(({ patch = [] }) => patch).reduce(applied, null);

// What a version changed: paths with the values before and after; undefined if there was none.
function changesOf(object, place) {
  const { patch } = object.versions[place];
  if (place === 0 || patch === undefined) return [];
  let root = bodyOf(object, place - 1);
  const found = patch.map((operation) => {
    const path = keysOf(operation.path);
    // An element added to a list moves the one that was there.
    const before = operation.op === 'add' ? undefined : structuredClone(valueAt(root, path));
    root = applied(root, operation);
    return { path, before, after: operation.value };
  });
  return found.filter(({ path }) => path.join('.') !== 'metadata.resourceVersion');
}

const endOf = (object) => object.deleted ?? END;
const startOf = (object) => object.versions[0].at;
const fullName = (object) => `${object.kind} ${object.namespace ? `${object.namespace}/` : ''}${object.name}`;
// The name of a node without the name of the cluster.
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

// The states of an object in order. Adjacent states that look the same are joined.
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
