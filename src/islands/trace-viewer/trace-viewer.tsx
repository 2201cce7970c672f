import { Empty } from '../parts/empty.tsx';
import { formatMs } from '../parts/format.ts';
import { useLab, useStore } from '../parts/use-store.ts';
import { type Bar, FULL, LABELS, waterfallOf } from './waterfall.ts';

/** The trace of the open request: client spans outlined, server spans filled, on one axis. */
export function TraceViewer() {
  const explanation = useStore(useLab().stores.explanation);
  if (explanation.state !== 'ready')
    return <Empty text="No request is open. Choose one in Requests to see its trace." />;
  const { spans } = explanation.view;
  if (spans.length === 0) return <Empty text="No spans yet. They arrive a moment after the answer." />;
  const root = spans[0];
  const fall = waterfallOf(spans);
  const failed = fall.bars.filter((bar) => bar.tone === 'failed').length;
  const label = `Trace of ${root?.operation}, ${formatMs(fall.totalMs)}, ${spans.length} spans, ${failed} failed`;
  return (
    <div className="trace">
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
      <p className="foot-note">
        Outlined: the caller’s span. Filled: the callee’s. The gap between them is the network.
      </p>
    </div>
  );
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
