import type { RequestView, SpanView } from '#contract';
import { statusText } from '../../lab-client/index.ts';
import { Empty } from '../parts/empty.tsx';
import { formatMs, formatTime } from '../parts/format.ts';
import { Pending } from '../parts/pending.tsx';
import { useKept } from '../parts/use-kept.ts';
import { useLive } from '../parts/use-live.ts';
import { useLab, useStore } from '../parts/use-store.ts';
import { likeIt, pairSpans } from './compare.ts';
import { waitedFor } from './critical-path.ts';
import { type Bar, FULL, LABELS, labelOf, waterfallOf } from './waterfall.ts';

/** The trace of the open request: client spans outlined, server spans filled, on one axis; a second trace beside it. */
export function TraceViewer() {
  const lab = useLab();
  const explanation = useStore(lab.stores.explanation);
  const { other } = useStore(lab.stores.view);
  const second = useLive('request.explain', { request: other ?? '' }, { everyMs: 0, wanted: other !== undefined });
  if (explanation.state !== 'ready')
    return <Empty text="No request is open. Choose one in Requests to see its trace." />;
  const { spans, request } = explanation.view;
  if (spans.length === 0) return <Empty text="No spans yet. They arrive a moment after the answer." />;
  const compared = other !== undefined && second.state === 'ready' ? second.value : undefined;
  const least = compared ? lengthOf(compared.spans) : 0;
  return (
    <div className="trace">
      <CompareWith open={request} />
      <Waterfall spans={spans} leastMs={least} />
      <WaitedFor spans={spans} />
      {other !== undefined && second.state !== 'ready' && <Pending live={second} what="The spans of the other trace" />}
      {compared && (
        <>
          <h3 className="trace-other">Compared with {formatTime(compared.request.atMs)}</h3>
          <Waterfall spans={compared.spans} leastMs={lengthOf(spans)} />
          <Pairs one={spans} other={compared.spans} />
        </>
      )}
      <p className="foot-note">
        Outlined: the caller’s span. Filled: the callee’s. The gap between them is the network. The line below: the
        critical path, what the whole was waiting for.
      </p>
    </div>
  );
}

function lengthOf(spans: readonly SpanView[]): number {
  const begin = Math.min(...spans.map(({ startMs }) => startMs));
  return Math.max(...spans.map(({ startMs, durationMs }) => startMs + durationMs)) - begin;
}

/** Which other request of the same kind stands beside it. */
function CompareWith({ open }: { open: RequestView }) {
  const lab = useLab();
  const { other } = useStore(lab.stores.view);
  const requests = useStore(lab.stores.requests);
  // The list holds still while it is open: it is made anew with the request that is looked at.
  const choices = useKept(likeIt(requests, open), `${open.id} ${other ?? ''}`);
  const listed = other === undefined || choices.some(({ id }) => id === other);
  return (
    <p className="compare-with">
      <label>
        Compare with{' '}
        <select
          value={other ?? ''}
          onChange={(event) =>
            event.target.value === '' ? lab.unshow('other') : lab.show({ other: event.target.value })
          }
        >
          <option value="">no other</option>
          {!listed && <option value={other}>the request of the link</option>}
          {choices.map((one) => (
            <option key={one.id} value={one.id}>
              {formatTime(one.atMs)} · {statusText(one)} · {formatMs(one.durationMs)}
              {one.destinationVersion === '' ? '' : ` · ${one.destinationVersion}`}
            </option>
          ))}
        </select>
      </label>
    </p>
  );
}

function Waterfall({ spans, leastMs }: { spans: readonly SpanView[]; leastMs: number }) {
  const root = spans[0];
  const fall = waterfallOf(spans, leastMs);
  const failed = fall.bars.filter((bar) => bar.tone === 'failed').length;
  const label = `Trace of ${root?.operation}, ${formatMs(fall.totalMs)}, ${spans.length} spans, ${failed} failed`;
  return (
    <>
      <svg viewBox={`0 0 ${FULL} ${fall.height}`} role="img" aria-label={label}>
        <text x="0" y="14" className="title">
          {root?.operation}
        </text>
        {fall.ticks.map((tick) => (
          <g key={tick.text}>
            <path d={`M${tick.x} 22V${fall.height}`} className="grid" />
            <text x={tick.x} y="14" textAnchor="middle" className="tick">
              {tick.text}
            </text>
          </g>
        ))}
        {fall.critical.map(({ x, y, width }) => (
          <path key={`${x} ${y}`} d={`M${x} ${y}h${width}`} className="critical" />
        ))}
        {fall.bars.map((bar) => (
          <SpanBar key={bar.span.spanId} bar={bar} />
        ))}
      </svg>
      <ol className="sr">
        {fall.bars.map((bar) => (
          <li key={bar.span.spanId}>
            {bar.label}, {bar.span.kind}, from {formatMs(bar.span.startMs)}, {bar.note}
          </li>
        ))}
      </ol>
    </>
  );
}

const MOST_WAITED = 3;

/** The critical path in words: whom the whole waited for, longest first. */
function WaitedFor({ spans }: { spans: readonly SpanView[] }) {
  const waited = waitedFor(spans).slice(0, MOST_WAITED);
  if (waited.length < 2) return null;
  return (
    <p className="waited">
      Waited for:{' '}
      {waited.map(({ span, ms }, index) => (
        <span key={span.spanId}>
          {index > 0 && ', '}
          {labelOf(span)} {span.kind === 'client' ? '(call) ' : ''}
          <b className="num">{formatMs(ms)}</b>
        </span>
      ))}
      .
    </p>
  );
}

/** Both traces span by span, with what differs. */
function Pairs({ one, other }: { one: readonly SpanView[]; other: readonly SpanView[] }) {
  return (
    <table className="pairs num">
      <caption className="sr">Spans of both traces</caption>
      <thead>
        <tr>
          <th scope="col">Span</th>
          <th scope="col" className="r">
            This
          </th>
          <th scope="col" className="r">
            Other
          </th>
          <th scope="col" className="r">
            Differs
          </th>
        </tr>
      </thead>
      <tbody>
        {pairSpans(one, other).map((pair) => (
          <tr key={pair.key}>
            <th scope="row">
              {pair.label} <span className="dim">{pair.kind}</span>
            </th>
            <td className="r">{spanWords(pair.one)}</td>
            <td className="r">{spanWords(pair.other)}</td>
            <td className="r">{differenceWords(pair.one, pair.other)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const spanWords = (span: SpanView | undefined): string =>
  span
    ? [
        formatMs(span.durationMs),
        ...(span.status >= 400 || span.status === 0 ? [span.status || 'no answer'] : []),
        ...span.flags,
      ].join(' ')
    : 'not there';

function differenceWords(one: SpanView | undefined, other: SpanView | undefined): string {
  if (!one || !other) return one ? 'only here' : 'only there';
  const ms = other.durationMs - one.durationMs;
  return `${ms < 0 ? '−' : '+'}${formatMs(Math.abs(ms))}`;
}

function SpanBar({ bar }: { bar: Bar }) {
  const middle = bar.y + 13;
  return (
    <g className={`span ${bar.tone} ${bar.span.kind}`}>
      {bar.drop && <path d={`M${bar.drop.x} ${bar.drop.from}V${middle - 6}`} className="drop" />}
      <text x={bar.indent} y={middle + 4} className={bar.tone === 'failed' ? 'who bad' : 'who'}>
        {clip(bar.label, LABELS - bar.indent)}
      </text>
      <rect x={bar.x} y={middle - 7} width={bar.width} height="13" className="bar" />
      <text x={bar.noteX} y={middle + 4} textAnchor={bar.noteAnchor} className="note">
        {bar.note}
      </text>
    </g>
  );
}

function clip(text: string, width: number): string {
  const most = Math.floor(width / 7.2);
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}
