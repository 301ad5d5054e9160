// An object as lines of YAML, each with its path.

function yamlLines(value, path = [], indent = '') {
  const isMapping = (some) => some !== null && typeof some === 'object' && !Array.isArray(some);
  const isEmpty = (some) => some === null || typeof some !== 'object' || Object.keys(some).length === 0;
  const lines = [];
  const add = (head, key, inner, deeper) => {
    const at = [...path, key];
    if (isEmpty(inner)) {
      scalar(inner, indent).forEach((text, number) => lines.push({ text: number ? text : `${head} ${text}`, path: at }));
    } else if (head.trim() === '-') {
      // The first line of a list element goes after the dash.
      yamlLines(inner, at, deeper).forEach((line, number) => {
        lines.push(number ? line : { text: `${indent}- ${line.text.slice(deeper.length)}`, path: line.path });
      });
    } else {
      lines.push({ text: head, path: at });
      lines.push(...yamlLines(inner, at, deeper));
    }
  };
  if (isMapping(value)) {
    for (const [key, inner] of Object.entries(value)) add(`${indent}${plain(key)}:`, key, inner, `${indent}  `);
  } else if (Array.isArray(value)) {
    value.forEach((inner, place) => add(`${indent}-`, String(place), inner, `${indent}  `));
  } else {
    lines.push({ text: indent + scalar(value, indent)[0], path });
  }
  return lines;
}

// A scalar in one line, or in the lines of a block.
function scalar(value, indent) {
  if (Array.isArray(value)) return ['[]'];
  if (value !== null && typeof value === 'object') return ['{}'];
  if (typeof value !== 'string') return [String(value)];
  if (!value.includes('\n')) return [plain(value)];
  const keep = value.endsWith('\n') ? '|' : '|-';
  return [keep, ...value.replace(/\n$/, '').split('\n').map((line) => `${indent}  ${line}`)];
}

// A string in quotes where YAML needs them.
function plain(text) {
  const isSafe = /^[A-Za-z_/.][\w./ ()@+:,-]*$/.test(text) && !/(: |[: ]$)/.test(text);
  const isWord = /^(true|false|null|yes|no|on|off|y|n|~|\.inf|\.nan)$/i.test(text);
  return isSafe && !isWord ? text : JSON.stringify(text);
}

// A value in one short line.
function brief(value) {
  if (value === undefined) return '(none)';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > 160 ? `${text.slice(0, 160)}…` : text;
}
