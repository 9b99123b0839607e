// The results as a plot: a panel of bars for each measured value, as SVG.

/** The colors of style/tokens.css. */
export const THEMES = {
  light: {
    surface: '#ffffff',
    border: '#d4dddd',
    text: '#122125',
    muted: '#425155',
    product: '#005351',
    other: '#717d7f',
  },
  dark: {
    surface: '#0d1518',
    border: '#303d41',
    text: '#ecf1f2',
    muted: '#b4c0c2',
    product: '#87d1ca',
    other: '#7c898c',
  },
};
const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif";

// Pixels.
const WIDTH = 880;
const MARGIN = 24;
const GAP = 32; // between two columns
const LABEL_WIDTH = 162;
const VALUE_WIDTH = 58;
const ROW = 20;
const BAR = 12;
const TITLE = 44; // with its subtitle
const FOOTER_LINE = 18;
const COLUMNS = 2;
const PANEL_WIDTH = (WIDTH - 2 * MARGIN - GAP * (COLUMNS - 1)) / COLUMNS;
const BAR_WIDTH = PANEL_WIDTH - LABEL_WIDTH - VALUE_WIDTH;

/** A panel of the rates of an operation. */
const rates = (name, title) => {
  const resultOf = ({ results }) => results.find((result) => result.name === name);
  return {
    title,
    unit: 'requests per second',
    value: (system) => resultOf(system)?.per_second,
    isDifferent: (system) => resultOf(system)?.note !== undefined,
  };
};

const PANELS = [
  rates('verify', 'Verify a token'),
  rates('fetch', 'Fetch the account'),
  rates('refresh', 'Refresh a session'),
  rates('log-in', 'Log in'),
  {
    title: 'Fetch while 250 connections guess passwords',
    unit: 'p99 in ms, logarithmic: less is better',
    value: ({ flood }) => flood?.flood_p99_ms,
    isLogarithmic: true,
  },
  { title: 'Memory at rest', unit: 'MiB: less is better', value: ({ idle_mib }) => idle_mib },
];

const escape = (text) =>
  text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);

/** Returns the length of a bar, from 0 to 1. */
const scale = (values, isLogarithmic) => {
  const max = Math.max(...values);
  if (!isLogarithmic) return (value) => value / max;
  const start = Math.log10(Math.min(...values)) - 0.5; // the shortest bar is visible too
  return (value) => (Math.log10(value) - start) / (Math.log10(max) - start);
};

const row = ({ title, product }, value, width, y) => {
  const style = product ? 'product' : 'other';
  const text = (x, content) =>
    `<text class="${style}" x="${x.toFixed(1)}" y="${y + ROW / 2}">${escape(content)}</text>`;
  const bar =
    `<rect class="${style}" x="${LABEL_WIDTH}" y="${y + (ROW - BAR) / 2}" ` +
    `width="${width.toFixed(1)}" height="${BAR}" rx="2"/>`;
  return [text(0, title), bar, text(LABEL_WIDTH + width + 6, value)].join('');
};

const panel = (entry, systems) => {
  const { title, unit, value, isLogarithmic, isDifferent = () => false } = entry;
  const values = systems.map(value).filter((found) => found !== undefined);
  const length = scale(values, isLogarithmic);
  const rows = systems.map((system, index) => {
    const found = value(system);
    const y = TITLE + index * ROW;
    if (found === undefined) return row(system, '–', 0, y);
    const text = found.toLocaleString('en') + (isDifferent(system) ? ' *' : '');
    return row(system, text, Math.max(1, length(found) * BAR_WIDTH), y);
  });
  return [
    `<text class="title" y="8">${escape(title)}</text>`,
    `<text class="unit" y="27">${escape(unit)}</text>`,
    ...rows,
  ].join('\n');
};

/** Returns the plot as SVG. Panels without any value are left out. */
export const plot = ({ systems, date, host }, colors) => {
  const panels = PANELS.filter(({ value }) => systems.some((system) => value(system)));
  const panelHeight = TITLE + systems.length * ROW + GAP;
  const bottom = MARGIN + Math.ceil(panels.length / COLUMNS) * panelHeight;
  const groups = panels.map((entry, index) => {
    const x = MARGIN + (index % COLUMNS) * (PANEL_WIDTH + GAP);
    const y = MARGIN + Math.floor(index / COLUMNS) * panelHeight;
    return `<g transform="translate(${x} ${y})">\n${panel(entry, systems)}\n</g>`;
  });
  const footer = [`${date}, ${host}, with the load generator on the same cores`];
  if (panels.some(({ isDifferent }) => isDifferent && systems.some(isDifferent))) {
    footer.push('* Not the same work: see docs/PERFORMANCE.md');
  }
  const height = bottom + footer.length * FOOTER_LINE + MARGIN / 2;
  const footerLine = (line, index) =>
    `<text x="${MARGIN}" y="${bottom + index * FOOTER_LINE}">${escape(line)}</text>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}"
  viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="Countersign beside other systems">
<style>
  text { font: 12px ${FONT}; fill: ${colors.muted}; dominant-baseline: central }
  text.product { fill: ${colors.text}; font-weight: 600 }
  rect.product { fill: ${colors.product} }
  rect.frame { fill: ${colors.surface}; stroke: ${colors.border} }
  rect.other { fill: ${colors.other} }
  .title { fill: ${colors.text}; font-size: 15px; font-weight: 600 }
</style>
<rect class="frame" x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="12"/>
${groups.join('\n')}
${footer.map(footerLine).join('\n')}
</svg>
`;
};
