import { escapeHtml } from './page.ts';

/** A choice of the form: the parameter's name, what a person reads, and its values, the default first. */
interface Choice {
  readonly name: string;
  readonly label: string;
  readonly values: readonly string[];
}

const CHOICES: readonly Choice[] = [
  { name: 'type', label: 'Type', values: ['All', 'Counters', 'Gauges', 'Histograms', 'TextReadouts'] },
  { name: 'histogram_buckets', label: 'Histograms', values: ['summary', 'cumulative', 'disjoint', 'detailed'] },
  { name: 'format', label: 'Format', values: ['html', 'active-html', 'text', 'json', 'prometheus'] },
];
const SWITCHES = [
  { name: 'usedonly', label: 'Only those that have been counted' },
  { name: 'invert_filter', label: 'Only names that do not match' },
] as const;
/** Between two looks of `active-html`. */
const REFRESH_S = 5;

/**
 * `/stats?format=html`: the form that asks for figures, with what was asked for filled in, above their lines. `active-html` comes again by
 * itself. Unlike Envoy's, the page runs no script.
 */
export function statsHtml(lines: string, query: URLSearchParams): string {
  const isActive = query.get('format') === 'active-html';
  const rows = lines.split('\n').filter(Boolean);
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
${isActive ? `<meta http-equiv="refresh" content="${REFRESH_S}">\n` : ''}<title>Envoy Admin</title>
<style>body { font-family: sans-serif } label { display: inline-block; margin: 0 1em 0.5em 0 } pre { overflow-x: auto }</style>
</head>
<body>
<nav><a href="/">Admin home page</a></nav>
<main>
<h1>Statistics</h1>
<form action="/stats" method="get">
${[...CHOICES.map((choice) => select(choice, query)), filter(query), ...SWITCHES.map((each) => checkbox(each, query))].join('\n')}
<button>Show</button>
</form>
<p>${rows.length} shown${isActive ? `, and again every ${REFRESH_S} seconds` : ''}.</p>
<pre tabindex="0" aria-label="Figures">
${escapeHtml(lines)}</pre>
</main>
</body>
</html>
`;
}

function select({ name, label, values }: Choice, query: URLSearchParams): string {
  const chosen = query.get(name) || values[0];
  const options = values.map((value) => `<option${value === chosen ? ' selected' : ''}>${value}</option>`).join('');
  return `<label>${label} <select name="${name}">${options}</select></label>`;
}

const filter = (query: URLSearchParams): string =>
  `<label>Names that match (RE2) <input name="filter" value="${escapeHtml(query.get('filter') ?? '')}"></label>`;

const checkbox = ({ name, label }: (typeof SWITCHES)[number], query: URLSearchParams): string =>
  `<label><input type="checkbox" name="${name}"${query.has(name) ? ' checked' : ''}> ${label}</label>`;
