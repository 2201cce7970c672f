import type { KeyboardEvent } from 'react';

/** Arrow keys go from row to row of a long list, each row with one button that has `data-row`; Home and End to its ends. */
export function walkRows(event: KeyboardEvent<HTMLElement>): void {
  const links = [...event.currentTarget.querySelectorAll<HTMLElement>('[data-row]')];
  const here = links.indexOf((event.target as HTMLElement).closest<HTMLElement>('[data-row]') as HTMLElement);
  const to = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: links.length - 1 }[event.key];
  const link = here < 0 || to === undefined ? undefined : links[to];
  if (!link) return;
  event.preventDefault();
  link.focus();
}
