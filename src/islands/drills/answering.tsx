import { useEffect, useRef, useState } from 'react';
import { Clock } from './clock.tsx';
import type { How } from './how.tsx';

interface Props {
  /** A question of its own, where it is not the one above. */
  readonly ask?: string;
  readonly how: How;
  /** What an interviewer gives. */
  readonly seconds: number;
  /** What was typed, and how many seconds it took. */
  finish(text: string, seconds: number): void;
}

/** The time of one answer, spoken or typed. */
export function Answering({ ask, how, seconds, finish }: Props) {
  const [text, setText] = useState('');
  const [startedMs] = useState(() => Date.now());
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus({ preventScroll: true }), []);
  return (
    <div className="answering">
      {ask && (
        <div>
          <p className="from">They ask next</p>
          <h3 className="ask" ref={heading} tabIndex={-1}>
            {ask}
          </h3>
        </div>
      )}
      {how.pace > 0 && <Clock seconds={seconds * how.pace} />}
      {!how.aloud && (
        <label className="field">
          <span>Your answer</span>
          <textarea
            rows={6}
            maxLength={4_000}
            value={text}
            onChange={(event) => setText(event.target.value)}
            // biome-ignore lint/a11y/noAutofocus: the learner has just chosen to type.
            autoFocus={!ask}
          />
        </label>
      )}
      <button
        type="button"
        className="btn go big"
        onClick={() => finish(text, Math.round((Date.now() - startedMs) / 1000))}
      >
        {how.aloud ? 'I have said it' : 'I have written it'}
      </button>
    </div>
  );
}
