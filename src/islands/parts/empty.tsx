import type { ReactNode } from 'react';

/** Nothing to show yet: the line with one hollow station, a sentence, at most one button. */
export function Empty({ text, children }: { text: string; children?: ReactNode }) {
  return (
    <div className="empty">
      <svg width="22" height="56" viewBox="0 0 22 56" aria-hidden="true">
        <path d="M11 0V18M11 38V56" className="track todo" />
        <circle cx="11" cy="28" r="7" className="station" />
      </svg>
      <div>
        <p>{text}</p>
        {children}
      </div>
    </div>
  );
}
