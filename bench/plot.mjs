// The results as a plot: a panel of bars for each measured value, as SVG.

/** The colors of style/tokens.css. */
export const THEMES = {
  light: {
    surface: '#ffffff',
    border: '#d4dddd',
    text: '#122125',
    muted: '#425155',
    product: '#005351',
    other: '#b4c0c2',
  },
  dark: {
    surface: '#0d1518',
    border: '#303d41',
    text: '#ecf1f2',
    muted: '#b4c0c2',
    product: '#87d1ca',
    other: '#425155',
  },
};
const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif";

// Pixels.
const WIDTH = 880;
const MARGIN = 24;
const GAP = 32; // between two columns
const LABEL_WIDTH = 138;
const VALUE_WIDTH = 62;
const ROW = 20;
const BAR = 12;
const TITLE = 44; // with its subtitle
const FOOTER = 40;
const COLUMNS = 2;
const PANEL_WIDTH = (WIDTH - 2 * MARGIN - GAP * (COLUMNS - 1)) / COLUMNS;
const BAR_WIDTH = PANEL_WIDTH - LABEL_WIDTH - VALUE_WIDTH;

const perSecond = (name) => ({ results }) =>
  results.find((result) => result.name === name)?.per_second;

const PANELS = [
  { title: 'Verify a token', unit: 'requests per second', value: perSecond('verify') },
  { title: 'Fetch the account', unit: 'requests per second', value: perSecond('fetch') },
  { title: 'Refresh a session', unit: 'requests per second', value: perSecond('refresh') },
  { title: 'Log in', unit: 'requests per second', value: perSecond('log-in') },
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

const row = ({ title, product }, value, length, y, colors) => {
  const middle = y + ROW / 2;
  const label =
    `<text class="${product ? 'product' : 'label'}" x="${LABEL_WIDTH - 8}" y="${middle}" ` +
    `text-anchor="end">${escape(title)}</text>`;
  if (value === undefined) {
    return `${label}<text class="label" x="${LABEL_WIDTH}" y="${middle}">–</text>`;
  }
  const width = Math.max(1, length * BAR_WIDTH);
  const fill = product ? colors.product : colors.other;
  return (
    `${label}<rect x="${LABEL_WIDTH}" y="${middle - BAR / 2}" width="${width.toFixed(1)}" ` +
    `height="${BAR}" rx="2" fill="${fill}"/>` +
    `<text class="${product ? 'product' : 'label'}" x="${(LABEL_WIDTH + width + 6).toFixed(1)}" ` +
    `y="${middle}">${value.toLocaleString('en')}</text>`
  );
};

const panel = ({ title, unit, value, isLogarithmic }, systems, colors) => {
  const values = systems.map(value).filter((found) => found !== undefined);
  const length = scale(values, isLogarithmic);
  const rows = systems.map((system, index) => {
    const found = value(system);
    return row(system, found, found && length(found), TITLE + index * ROW, colors);
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
  const height = MARGIN + Math.ceil(panels.length / COLUMNS) * panelHeight + FOOTER;
  const groups = panels.map((entry, index) => {
    const x = MARGIN + (index % COLUMNS) * (PANEL_WIDTH + GAP);
    const y = MARGIN + Math.floor(index / COLUMNS) * panelHeight;
    return `<g transform="translate(${x} ${y})">\n${panel(entry, systems, colors)}\n</g>`;
  });
  const footer = `${date}, ${host}, with the load generator on the same cores`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}"
  viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="Countersign beside other systems">
<style>
  text { font: 12px ${FONT}; fill: ${colors.muted}; dominant-baseline: central }
  .product { fill: ${colors.text}; font-weight: 600 }
  .title { fill: ${colors.text}; font-size: 15px; font-weight: 600 }
</style>
<rect x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="12"
  fill="${colors.surface}" stroke="${colors.border}"/>
${groups.join('\n')}
<text x="${MARGIN}" y="${height - MARGIN}">${escape(footer)}</text>
</svg>
`;
};
