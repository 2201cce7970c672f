import type { ReactNode } from 'react';
import { type LearnerLogState, useLog } from './use-log.ts';

/** A page of the trainer: waits for the log, says so when it cannot be read. */
export function PageFrame({ children }: { children: (log: LearnerLogState) => ReactNode }) {
  const log = useLog();
  if (log.state === 'loading') return <p className="quiet-note">Reading your cards.</p>;
  if (log.state === 'failed')
    return (
      <p className="quiet-note" role="alert">
        The deck did not load. Your reviews are safe in this browser.{' '}
        <button type="button" className="btn" onClick={log.reload}>
          Try again
        </button>
      </p>
    );
  return children(log);
}
