import { useEffect, useRef, useState } from 'react';
import type { RequestView } from '#contract';
import { outcomeOf, statusText } from '../../lab-client/index.ts';
import { Empty } from '../parts/empty.tsx';
import { formatMs, formatTime } from '../parts/format.ts';
import { walkRows } from '../parts/row-walk.ts';
import { Icon, Mark, VersionDisc } from '../parts/sign.tsx';
import { serviceTitle } from '../parts/titles.ts';
import { useLab, useStore } from '../parts/use-store.ts';
import { patternOf } from '../parts/versions.ts';
import { usePast } from '../time-view/use-past.ts';
import { CaughtChip, useCaughtLine } from './caught-line.tsx';
import { barWidth, type Filter, filters, flagTitle, rowsOf } from './filter.ts';

const SHOWN = 120;
const WORDS: Record<Filter, string> = { all: 'All', failed: 'Failed', slow: 'Slow' };

/** Requests as they happen. The list holds still while the keyboard or pointer is in it. */
export function RequestList({ onOpened }: { onOpened: () => void }) {
  const lab = useLab();
  const past = usePast();
  const now = useStore(lab.stores.requests);
  const live = past?.requests ?? now;
  const mesh = useStore(lab.stores.mesh);
  const view = useStore(lab.stores.view);
  const connection = useStore(lab.stores.connection);
  const [filter, setFilter] = useState<Filter>('all');
  const [held, setHeld] = useState<readonly RequestView[]>();
  const [visited, setVisited] = useState<string>();
  const scroller = useRef<HTMLDivElement>(null);
  const caught = useCaughtLine(view.line);
  const rows = rowsOf(held ?? live, { filter, atMs: view.atMs, limit: SHOWN });
  const newest = rows.at(-1)?.id;
  // One stop of the Tab key, where the reader was last; the arrow keys go on from there.
  const stop = [visited, view.request].find((id) => rows.some((row) => row.id === id)) ?? newest;
  useEffect(() => {
    const element = scroller.current;
    if (element && !held && newest !== undefined) element.scrollTop = element.scrollHeight;
  }, [newest, held]);
  const versions = (service: string): string[] =>
    (mesh?.nodes ?? []).filter((node) => node.service === service).map((node) => node.version);
  const seen = mesh?.nodes.some((node) => node.proxied) ?? true;
  const open = (request: RequestView): void => {
    void lab.explain(request.id);
    onOpened();
  };
  return (
    <div className="requests">
      <div className="toolbar">
        <fieldset className="choice">
          <legend className="sr">Show</legend>
          {filters.map((one) => (
            <label key={one}>
              <input type="radio" name="request-filter" checked={filter === one} onChange={() => setFilter(one)} />
              {WORDS[one]}
            </label>
          ))}
        </fieldset>
        {view.line && <CaughtChip line={view.line} caught={caught} />}
        <span className="tag" aria-live="polite">
          {held ? 'Held still while you are in it' : ''}
        </span>
        <button
          type="button"
          className="btn"
          disabled={connection !== 'open' || !seen}
          onClick={() => void lab.send().then(onOpened)}
        >
          <Icon name="next" />
          Send one
        </button>
      </div>
      {rows.length === 0 && <NoRows filter={filter} seen={seen} />}
      {rows.length > 0 && (
        <section
          className="scroll"
          ref={scroller}
          aria-label="Requests, newest last"
          onPointerDown={() => setHeld((now) => now ?? live)}
          onMouseEnter={() => setHeld(live)}
          onMouseLeave={(event) => {
            if (!event.currentTarget.contains(document.activeElement)) setHeld(undefined);
          }}
          onFocus={() => setHeld((now) => now ?? live)}
          onBlur={(event) => {
            if (!event.currentTarget.contains(event.relatedTarget)) setHeld(undefined);
          }}
        >
          <table>
            <thead>
              <tr>
                <th scope="col">Time</th>
                <th scope="col">Request</th>
                <th scope="col">Answered by</th>
                <th scope="col">Status</th>
                <th scope="col" className="r">
                  Took
                </th>
              </tr>
            </thead>
            <tbody onKeyDown={walkRows}>
              {rows.map((request) => (
                <Row
                  key={request.id}
                  request={request}
                  versions={versions(request.destination)}
                  selected={request.id === view.request}
                  lit={caught?.requests.has(request.id) ?? false}
                  stop={request.id === stop}
                  onOpen={open}
                  onVisit={setVisited}
                />
              ))}
            </tbody>
          </table>
        </section>
      )}
    </div>
  );
}

function NoRows({ filter, seen }: { filter: Filter; seen: boolean }) {
  const none = seen ? 'No request yet.' : 'No workload has a proxy, so nobody between them notes a request.';
  const text = filter === 'all' ? none : `No ${filter} request among the last ones.`;
  return <Empty text={text} />;
}

interface RowProps {
  request: RequestView;
  versions: readonly string[];
  selected: boolean;
  /** The line of YAML that is looked at decided about it. */
  lit: boolean;
  /** The Tab key stops here. */
  stop: boolean;
  onOpen: (request: RequestView) => void;
  onVisit: (id: string) => void;
}

const BY: Record<Exclude<RequestView['answeredBy'], 'upstream'>, string> = {
  'client-proxy': 'own proxy',
  'server-proxy': 'its proxy',
};

function Row({ request, versions, selected, lit, stop, onOpen, onVisit }: RowProps) {
  const outcome = outcomeOf(request);
  const several = versions.length > 1;
  const mark = outcome === 'failed' ? 'error' : outcome;
  return (
    <tr className={[selected ? 'on' : '', lit ? 'lit' : ''].join(' ').trim()} onClick={() => onOpen(request)}>
      <td className="mono">{formatTime(request.atMs)}</td>
      <td>
        <button
          type="button"
          className="row-link"
          data-row
          aria-current={selected ? 'true' : undefined}
          tabIndex={stop ? 0 : -1}
          onFocus={() => onVisit(request.id)}
        >
          {serviceTitle(request.source)} <Arrow /> {serviceTitle(request.destination) || 'no workload'}
          {several && <span className="inline-version">{request.destinationVersion}</span>}
          {lit && <span className="sr">, caught by the line</span>}
        </button>
      </td>
      <td>
        {request.answeredBy === 'upstream' ? (
          <Upstream request={request} several={several} versions={versions} />
        ) : (
          BY[request.answeredBy]
        )}
      </td>
      <td>
        <span className={`status ${outcome}`} title={flagTitle(request.flags)}>
          <Mark name={mark} />
          {statusText(request)}
        </span>
      </td>
      <td className="r">
        {formatMs(request.durationMs)}
        <span className={`lat ${outcome === 'slow' ? 'late' : ''}`} style={{ width: barWidth(request.durationMs) }} />
      </td>
    </tr>
  );
}

function Arrow() {
  return (
    <>
      <svg className="i arrow" viewBox="0 0 16 16" aria-hidden="true">
        <use href="#i-next" />
      </svg>
      <span className="sr">to</span>
    </>
  );
}

function Upstream({
  request,
  several,
  versions,
}: {
  request: RequestView;
  several: boolean;
  versions: readonly string[];
}) {
  if (!several || request.destinationVersion === '') return request.destination;
  return (
    <span className="ver">
      <VersionDisc pattern={patternOf(request.destinationVersion, versions)} />
      {request.destinationVersion}
    </span>
  );
}
