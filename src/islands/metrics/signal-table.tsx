import type { MetricSeries, MetricsView } from '#contract';
import { formatMs } from '../parts/format.ts';
import { useLab, useStore } from '../parts/use-store.ts';
import { SeriesName } from './names.tsx';
import { pushMarks } from './push-marks.ts';
import { meanOf, type Signal, signalsOf } from './signals.ts';
import { Spark } from './spark.tsx';

interface SignalTableProps {
  view: MetricsView;
  versions: ReadonlyMap<string, readonly string[]>;
  onOpen: (key: string) => void;
}

/** Every series in a row, its four signals as figure and small picture on one axis of time. */
export function SignalTable({ view, versions, onOpen }: SignalTableProps) {
  const pushes = useStore(useLab().stores.pushes);
  const marks = pushMarks(pushes, view).map(({ share }) => share);
  return (
    <table className="signals">
      <caption className="sr">Golden signals, busiest first</caption>
      <thead>
        <tr>
          <th scope="col">Who</th>
          <th scope="col">Traffic</th>
          <th scope="col">Errors</th>
          <th scope="col">Latency</th>
          <th scope="col">Under way</th>
        </tr>
      </thead>
      <tbody>
        {view.series.map((series) => (
          <tr key={series.key} onClick={() => onOpen(series.key)}>
            <th scope="row">
              <button type="button" className="row-link">
                <SeriesName series={series} versions={versions} />
              </button>
            </th>
            {signalsOf(series).map((signal) => (
              <td key={signal.key} data-signal={signal.title}>
                <Figure series={series} signal={signal} />
                <Spark signal={signal} marks={marks} />
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Figure({ series, signal }: { series: MetricSeries; signal: Signal }) {
  const { total } = series;
  if (signal.key === 'errors') {
    const flags = Object.keys(total.flags).join(' ');
    const share = total.requests === 0 ? 0 : total.errors / total.requests;
    return (
      <span className={share > 0 ? 'num bad' : 'num'}>
        {signal.say(share)} {share > 0 && flags !== '' && <span className="mono">{flags}</span>}
      </span>
    );
  }
  if (signal.key === 'latency') {
    const { p50, p99 } = total;
    if (p50 === undefined || p99 === undefined) return <span className="num">none</span>;
    return (
      <span className="num" title="P50, P99">
        {formatMs(p50)} <span className="dim">to {formatMs(p99)}</span>
      </span>
    );
  }
  return <span className="num">{signal.say(meanOf(signal.lines[0]?.points ?? []))}</span>;
}
