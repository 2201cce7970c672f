import { useEffect, useState } from 'react';

/** Counts down; over time it counts on, in words and with a sign, and cuts nobody off. */
export function Clock({ seconds }: { seconds: number }) {
  const [passed, setPassed] = useState(0);
  useEffect(() => {
    const start = performance.now();
    const timer = setInterval(() => setPassed((performance.now() - start) / 1000), 250);
    return () => clearInterval(timer);
  }, []);
  const left = Math.ceil(seconds - passed);
  const used = Math.min(100, (passed / seconds) * 100);
  // Spoken twice only: a screen reader must not talk over the answer.
  const spoken =
    left <= 0 ? 'Time is over. Finish your sentence.' : left <= seconds / 4 ? 'A quarter of the time is left.' : '';
  return (
    <div className={`clock${left < 0 ? ' over' : ''}`}>
      <span className="num" role="timer" aria-live="off">
        {left >= 0 ? `${left} s` : `${-left} s over`}
      </span>
      <svg viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
        <path d="M0 2H100" className="all" />
        <path d={`M0 2H${used}`} className="used" />
      </svg>
      <span className="sr" role="status">
        {spoken}
      </span>
    </div>
  );
}

/** How much of a whole interview has passed. It is read, never spoken. */
export function Elapsed({ minutes }: { minutes: number }) {
  const [passed, setPassed] = useState(0);
  useEffect(() => {
    const start = performance.now();
    const timer = setInterval(() => setPassed(Math.floor((performance.now() - start) / 60_000)), 1_000);
    return () => clearInterval(timer);
  }, []);
  return (
    <p className="num elapsed">
      {passed} of {minutes} min
    </p>
  );
}
