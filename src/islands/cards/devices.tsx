import { useState } from 'react';
import { joinByCode, makeLinkCode } from './learner-calls.ts';
import { LogServerError } from './log-server.ts';

/** Makes two browsers of one learner one: a code here, typed there. */
export function Devices({ reload }: { reload: () => void }) {
  const [code, setCode] = useState('');
  const [typed, setTyped] = useState('');
  const [words, setWords] = useState('');
  const attempt = (work: () => Promise<void>) => {
    setWords('');
    work().catch((error: unknown) => {
      console.info(error);
      setWords(
        error instanceof LogServerError ? error.message : 'The lab server does not answer. Start it and try again.',
      );
    });
  };
  return (
    <section aria-labelledby="set-devices">
      <h2 id="set-devices">Another browser</h2>
      <p>
        With the lab server running, two browsers share one log. Make a code here and type it there. Nothing is lost:
        both logs are joined.
      </p>
      <div className="fields">
        <div className="field">
          <span>From here</span>
          <button
            type="button"
            className="btn"
            onClick={() => attempt(async () => setCode((await makeLinkCode()).code))}
          >
            Make a code
          </button>
          {code && (
            <p role="status">
              <b className="mono code-word">{`${code.slice(0, 4)} ${code.slice(4)}`}</b> is good for ten minutes, once.
            </p>
          )}
        </div>
        <form
          className="field"
          onSubmit={(event) => {
            event.preventDefault();
            attempt(async () => {
              await joinByCode(typed);
              setTyped('');
              setWords('This browser is joined. The logs are read now.');
              reload();
            });
          }}
        >
          <label htmlFor="link-code">A code from another browser</label>
          <span className="row">
            <input
              id="link-code"
              type="text"
              className="mono"
              autoComplete="off"
              spellCheck={false}
              maxLength={12}
              value={typed}
              onChange={(event) => setTyped(event.target.value)}
            />
            <button type="submit" className="btn" disabled={typed.trim().length < 8}>
              Join
            </button>
          </span>
        </form>
      </div>
      <p role="status">{words}</p>
    </section>
  );
}
