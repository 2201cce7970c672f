// Anki's fields are HTML. Here they become plain text, which React shows as text: nothing of it can run.

const named: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ' };

/**
 * HTML as its text: blocks and breaks end a line, scripts and styles are dropped with what they hold. Time grows with the length of the
 * text, whatever stands in it.
 */
export function textOfHtml(html: string): string {
  return html
    .replace(/<(script|style|template|title)\b[\s\S]*?(<\/\1\s*>|$)/gi, '')
    .replace(/<!--[\s\S]*?(-->|$)/g, '')
    .replace(/<br\s*\/?>|<\/(div|p|li|tr|h[1-6]|pre|blockquote)\s*>|<(div|p|ul|ol|pre)\b[^<>]*>/gi, '\n')
    .replace(/<li\b[^<>]*>/gi, '- ')
    .replace(/<\/?[a-z!][^>]*(>|$)/gi, '')
    .replace(/&(#\d+|#x[0-9a-f]+|[a-z]+);/gi, (entity, name: string) => character(name) ?? entity)
    .replace(/\[sound:[^\]]{0,300}\]/g, '')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
}

function character(name: string): string | undefined {
  const lower = name.toLowerCase();
  if (!lower.startsWith('#')) return named[lower];
  const code = lower.startsWith('#x') ? Number.parseInt(lower.slice(2), 16) : Number.parseInt(lower.slice(1), 10);
  return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : undefined;
}

/** Text as HTML that shows it as it is. */
export function htmlOfText(text: string): string {
  return text
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;')
    .replace(/\n/g, '<br>');
}

/** True where a field shows or plays something that plain text loses. */
export function hasMedia(html: string): boolean {
  return /<(img|audio|video|object|iframe)\b|\[sound:/i.test(html);
}
