import { useState } from 'react';
import type { LogLineView } from '#contract';
import { Empty } from '../parts/empty.tsx';
import { formatTime } from '../parts/format.ts';
import { Pending } from '../parts/pending.tsx';
import { walkRows } from '../parts/row-walk.ts';
import { useLive } from '../parts/use-live.ts';
import { useLab, useStore } from '../parts/use-store.ts';
import { shortPod } from '../xds-inspector/train-graph.ts';
import { type LogFilter, linesOf } from './filter.ts';
import { LogFields } from './log-fields.tsx';

/** What all proxies wrote, newest first. The list holds still while a line is open. */
export function AllLines({ filter }: { filter: LogFilter }) {
  const lab = useLab();
  const { atMs } = useStore(lab.stores.view);
  const [open, setOpen] = useState<string>();
  const [held, setHeld] = useState<LogLineView[]>();
  const [visited, setVisited] = useState<string>();
  const live = useLive('log.read', {}, { everyMs: 1000, wanted: held === undefined });
  if (held === undefined && live.state !== 'ready') return <Pending live={live} what="The access logs" />;
  const lines = linesOf(held ?? (live.state === 'ready' ? live.value.lines : []), filter, atMs);
  const toggle = (line: LogLineView): void => {
    const next = open === line.spanId ? undefined : line.spanId;
    setOpen(next);
    setHeld(next === undefined ? undefined : (held ?? (live.state === 'ready' ? live.value.lines : [])));
  };
  if (lines.length === 0) return <Empty text="No line fits this filter." />;
  // One stop of the Tab key, where the reader was last; the arrow keys go on from there.
  const stop = lines.find(({ spanId }) => spanId === visited) ?? lines[0];
  return (
    <ol className="log-lines" aria-label="Access log, newest first" onKeyDown={walkRows}>
      {lines.map((line) => (
        <li key={line.spanId} className={line.flags.length > 0 || line.status >= 400 ? 'noted' : ''}>
          <button
            type="button"
            data-row
            aria-expanded={open === line.spanId}
            tabIndex={line === stop ? 0 : -1}
            onFocus={() => setVisited(line.spanId)}
            onClick={() => toggle(line)}
          >
            <span className="mono">{formatTime(line.atMs)}</span> {shortPod(line.pod)}{' '}
            <span className="dim">{line.direction}</span>{' '}
            {line.flags.map(({ flag, name, meaning }) => (
              <span key={flag} className="flag error" title={`${name}. ${meaning}`}>
                {flag}
              </span>
            ))}
            <span className="mono line-text">{line.line.replace(/^\[[^\]]*\]\s*/, '')}</span>
          </button>
          {open === line.spanId && (
            <div className="log-open">
              <LogFields line={line.line} flags={line.flags} />
              {line.request !== undefined && (
                <button type="button" className="link" onClick={() => void lab.explain(line.request ?? '')}>
                  Why this response
                </button>
              )}
            </div>
          )}
        </li>
      ))}
    </ol>
  );
}
