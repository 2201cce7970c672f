import type { ReactNode } from 'react';

/** What may be wider than the page: it scrolls by itself, by keyboard too. */
export function ScrollArea({ label, children }: { label: string; children: ReactNode }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: an area that scrolls must take the focus, or a keyboard cannot scroll it.
    <section className="wide" aria-label={label} tabIndex={0}>
      {children}
    </section>
  );
}
