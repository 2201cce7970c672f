import type { ReactNode } from 'react';
import { useLab, useStore } from './use-store.ts';

/** What stands in a view's place until its answer is there: that it is read, or why it could not be. */
export function Pending({
  live,
  what,
}: {
  live: { state: 'loading' } | { state: 'failed'; message: string; retry: () => void };
  what: string;
}): ReactNode {
  const connection = useStore(useLab().stores.connection);
  if (live.state === 'loading') {
    const away = connection !== 'open' && connection !== 'connecting';
    return (
      <div className="empty" role="status">
        <svg width="22" height="56" viewBox="0 0 22 56" aria-hidden="true">
          <path d="M11 0V18M11 38V56" className="track todo" />
          <circle cx="11" cy="28" r="7" className="station" />
        </svg>
        <p>{away ? `The lab is away. ${what} come back with it.` : `${what} are read.`}</p>
      </div>
    );
  }
  return (
    <div className="pad failed" role="alert">
      <p>
        {what} could not be read: {live.message}
      </p>
      <button type="button" className="btn" onClick={live.retry}>
        Retry
      </button>
    </div>
  );
}
