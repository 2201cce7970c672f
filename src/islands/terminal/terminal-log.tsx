import { type FormEvent, useEffect, useRef, useState } from 'react';
import type { TerminalSession } from './session.ts';

/** The terminal as text: everything that was written, and a field for the next command. */
export function TerminalLog({ session }: { session: TerminalSession }) {
  const [lines, setLines] = useState<readonly string[]>(session.log);
  const [running, setRunning] = useState(session.running);
  const [line, setLine] = useState('');
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const read = (): void => {
      setLines(session.log);
      setRunning(session.running);
    };
    session.onChange(read);
    read();
    return () => session.onChange(() => undefined);
  }, [session]);
  const count = lines.length;
  useEffect(() => {
    if (count > 0) end.current?.scrollIntoView({ block: 'nearest' });
  }, [count]);
  const send = (event: FormEvent): void => {
    event.preventDefault();
    session.run(line);
    setLine('');
  };
  return (
    <div className="terminal-log">
      <section className="lines" aria-label="Terminal output" aria-live="polite">
        <pre>{lines.join('\n')}</pre>
        <div ref={end} />
      </section>
      <form onSubmit={send}>
        <label>
          <span>$</span>
          <input
            className="mono"
            aria-label="Command"
            value={line}
            spellCheck={false}
            autoCapitalize="off"
            autoComplete="off"
            onChange={(event) => setLine(event.target.value)}
          />
        </label>
        {running ? (
          <button type="button" className="btn" onClick={() => session.interrupt()}>
            Stop
          </button>
        ) : (
          <button type="submit" className="btn">
            Run
          </button>
        )}
      </form>
    </div>
  );
}
