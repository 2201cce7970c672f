import { useEffect, useRef, useState } from 'react';
import { Icon } from '../parts/sign.tsx';
import { Tabs } from '../parts/tabs.tsx';
import { useLab } from '../parts/use-store.ts';
import { TerminalSession } from './session.ts';
import { TerminalLog } from './terminal-log.tsx';

const NAMES = ['one', 'two', 'three', 'four'];
const numberOf = (session: TerminalSession): number => NAMES.indexOf(session.id) + 1;

/** Terminal tabs with the lab's own commands; a plain log with a field is their twin. */
export function TerminalPanel({ onShow }: { onShow: () => void }) {
  const lab = useLab();
  const [sessions, setSessions] = useState<readonly TerminalSession[]>([]);
  const [current, setCurrent] = useState('one');
  const [asLog, setAsLog] = useState(false);
  const [reader, setReader] = useState(false);
  const opened = useRef<TerminalSession[]>([]);
  const open = (id: string): TerminalSession => {
    const session = new TerminalSession(id, lab);
    session.start();
    opened.current = [...opened.current, session];
    setSessions(opened.current);
    setCurrent(id);
    return session;
  };
  const begin = useRef(open);
  begin.current = open;
  useEffect(() => {
    if (opened.current.length === 0) begin.current('one');
    return () => {
      for (const session of opened.current) session.stop();
      opened.current = [];
    };
  }, []);
  const session = sessions.find((one) => one.id === current) ?? sessions[0];
  useEffect(() => {
    if (!session) return;
    for (const line of lab.linesForTerminal.splice(0)) session.run(line);
    lab.runInTerminal = (line) => {
      onShow();
      session.run(line);
    };
    return () => {
      lab.runInTerminal = (line) => void lab.linesForTerminal.push(line);
    };
  }, [lab, session, onShow]);
  const free = NAMES.find((name) => !sessions.some(({ id }) => id === name));
  const close = (id: string): void => {
    if (opened.current.length < 2) return;
    const at = opened.current.findIndex((one) => one.id === id);
    opened.current[at]?.close();
    opened.current = opened.current.toSpliced(at, 1);
    setSessions(opened.current);
    const next = id === current ? (opened.current[Math.max(0, at - 1)]?.id ?? 'one') : current;
    setCurrent(next);
    // The button that was pressed may be gone: the focus goes on from the tab that is shown.
    requestAnimationFrame(() => document.querySelector<HTMLElement>(`#terminal-${next}`)?.focus());
  };
  const tabs = sessions.map((one) => ({ key: one.id, label: `Terminal ${numberOf(one)}` }));
  return (
    <div className="terminal">
      <div className="toolbar">
        {session && (
          <Tabs
            id="terminal"
            label="Terminals"
            tabs={tabs}
            selected={session.id}
            onSelect={setCurrent}
            onDelete={close}
          />
        )}
        {session && sessions.length > 1 && (
          <button
            type="button"
            className="btn quiet sq"
            aria-label={`Close terminal ${numberOf(session)}`}
            onClick={() => close(session.id)}
          >
            <Icon name="x" />
          </button>
        )}
        <button
          type="button"
          className="btn quiet"
          disabled={free === undefined}
          onClick={() => free !== undefined && open(free)}
        >
          New
        </button>
        <span className="spacer" />
        <label className="check">
          <input type="checkbox" checked={reader} onChange={(event) => setReader(event.target.checked)} />
          Screen reader
        </label>
        <button type="button" className="btn quiet" aria-pressed={asLog} onClick={() => setAsLog(!asLog)}>
          <Icon name="read" />
          Text log
        </button>
      </div>
      <div className="screen-holder" role="tabpanel" id="terminal-panel" aria-label="Terminal">
        {session && asLog && <TerminalLog key={session.id} session={session} />}
        {session && !asLog && <XtermHost key={`${session.id} ${reader}`} session={session} reader={reader} />}
      </div>
      <p className="leave">Esc, then Tab, leaves the terminal. Ctrl+C stops a command, Ctrl+R searches the history.</p>
    </div>
  );
}

function XtermHost({ session, reader }: { session: TerminalSession; reader: boolean }) {
  const host = useRef<HTMLDivElement>(null);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    let gone = false;
    let close: (() => void) | undefined;
    import('./xterm-screen.ts').then(
      ({ openXterm }) => {
        if (gone || !host.current) return;
        close = openXterm(host.current, session, { screenReader: reader }).dispose;
      },
      (error: unknown) => {
        console.error('The terminal did not load; its log takes its place.', error);
        setFailed(true);
      },
    );
    return () => {
      gone = true;
      close?.();
    };
  }, [session, reader]);
  return failed ? <TerminalLog session={session} /> : <div className="xterm-host" ref={host} />;
}
