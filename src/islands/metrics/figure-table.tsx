import type { MetricSeries, MetricsView } from '#contract';
import { formatTime } from '../parts/format.ts';
import { useLab, useStore } from '../parts/use-store.ts';
import { seriesWords } from './names.tsx';
import { pushMarks } from './push-marks.ts';
import { signalsOf } from './signals.ts';

interface FigureTableProps {
  view: MetricsView;
  series: MetricSeries;
  versions: ReadonlyMap<string, readonly string[]>;
}

/** The charts' figures as a table, newest first; pushes stand in the step in which they began. */
export function FigureTable({ view, series, versions }: FigureTableProps) {
  const pushes = useStore(useLab().stores.pushes);
  const marks = pushMarks(pushes, view);
  const lines = signalsOf(series).flatMap(({ title, lines: own, say }) =>
    own.map(({ name, points }) => ({ title: own.length > 1 ? name : title, points, say })),
  );
  const steps = series.rps.map((_, index) => series.rps.length - 1 - index);
  return (
    <table className="figures-table num">
      <caption>
        {seriesWords(series, versions)}, steps of {view.stepMs / 1000} s, newest first
      </caption>
      <thead>
        <tr>
          <th scope="col">From</th>
          {lines.map(({ title }) => (
            <th key={title} scope="col" className="r">
              {title}
            </th>
          ))}
          <th scope="col">Push</th>
        </tr>
      </thead>
      <tbody>
        {steps.map((step) => {
          const fromMs = view.fromMs + step * view.stepMs;
          const own = marks.filter(({ atMs }) => atMs >= fromMs && atMs < fromMs + view.stepMs);
          return (
            <tr key={step}>
              <th scope="row">{formatTime(fromMs, false)}</th>
              {lines.map(({ title, points, say }) => {
                const value = points[step] ?? null;
                return (
                  <td key={title} className="r">
                    {value === null ? '–' : say(value)}
                  </td>
                );
              })}
              <td>{own.map(({ number, title }) => `${number} ${title}`).join(', ')}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
