import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { marked } from 'marked';

/** Reads the steps of labs/<id>: each `## Heading` of its text begins one. Throws when the text is missing. */
export function readSteps(root: string, id: string): { id: string; title: string; html: string }[] {
  return readFileSync(join(root, id, 'text.md'), 'utf8')
    .split(/^## /m)
    .slice(1)
    .map((section, index) => {
      const end = section.indexOf('\n');
      const title = section.slice(0, end).trim();
      return { id: `step-${index + 1}`, title, html: toHtml(section.slice(end + 1)) };
    });
}

/** The runbook of an incident, as HTML. Throws when it is missing. */
export function readRunbook(root: string, id: string): string {
  return toHtml(readFileSync(join(root, id, 'runbook.md'), 'utf8'));
}

/** Each line of a code block marked `run` carries `data-run`: the page gives it a button that types it in the terminal. */
function toHtml(markdown: string): string {
  const escape = (text: string): string =>
    text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');
  const renderer = new marked.Renderer();
  renderer.code = ({ text, lang }) =>
    lang === 'run'
      ? text
          .split('\n')
          .map((line) => `<pre data-run="${escape(line)}"><code>${escape(line)}</code></pre>`)
          .join('')
      : `<pre><code>${escape(text)}</code></pre>`;
  return marked.parse(markdown, { async: false, renderer });
}
