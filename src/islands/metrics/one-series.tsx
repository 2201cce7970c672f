import { type KeyboardEvent, useRef, useState } from 'react';
import type { MetricSeries, MetricsView } from '#contract';
import { counted, formatTime } from '../parts/format.ts';
import { useSize } from '../parts/use-size.ts';
import { useLab, useStore } from '../parts/use-store.ts';
import { Chart } from './chart.tsx';
import { SeriesName, seriesWords } from './names.tsx';
import { type PushMark, pushMarks, timeTicks } from './push-marks.ts';
import { type Signal, signalsOf } from './signals.ts';

interface OneSeriesProps {
  view: MetricsView;
  series: MetricSeries;
  versions: ReadonlyMap<string, readonly string[]>;
}

/** The four signals of one series at large. One moment is pointed at in all of them, by pointer or by arrow keys. */
export function OneSeries({ view, series, versions }: OneSeriesProps) {
  const pushes = useStore(useLab().stores.pushes);
  const [at, setAt] = useState<number>();
  const whole = useRef<HTMLElement>(null);
  const { height } = useSize(whole);
  const marks = pushMarks(pushes, view);
  const signals = signalsOf(series);
  const ticks = timeTicks(view, 3);
  const last = series.rps.length - 1;
  const name = seriesWords(series, versions);
  const key = (event: KeyboardEvent): void => {
    const here = at ?? last;
    const next = { ArrowLeft: here - 1, ArrowRight: here + 1, Home: 0, End: last }[event.key];
    if (event.key === 'Escape') setAt(undefined);
    if (next === undefined) return;
    event.preventDefault();
    setAt(Math.min(last, Math.max(0, next)));
  };
  return (
    <section className="one-series" ref={whole} aria-label={`Golden signals of ${name}`}>
      <div className="one-head">
        <h3>
          <SeriesName series={series} versions={versions} />
        </h3>
        <span className="tag num">
          {counted(series.total.requests, 'request')}, {series.total.errors} failed
        </span>
        <div
          className="moment num"
          role="slider"
          tabIndex={0}
          aria-label="Moment in the charts"
          aria-valuemin={0}
          aria-valuemax={last}
          aria-valuenow={at ?? last}
          aria-valuetext={momentWords(view, signals, at ?? last)}
          onKeyDown={key}
        >
          {formatTime(view.fromMs + (at ?? last) * view.stepMs, false)}
        </div>
      </div>
      <div className="charts">
        {signals.map((signal) => (
          <Chart
            key={signal.key}
            signal={signal}
            height={curveHeight(height)}
            pushes={marks}
            ticks={ticks}
            at={at}
            onPoint={setAt}
          />
        ))}
      </div>
      <PushLegend marks={marks} />
    </section>
  );
}

/** Two rows of charts fit the dock where it is tall enough for curves that can be read. */
const curveHeight = (whole: number): number => Math.round(Math.min(150, Math.max(52, (whole - 88) / 2 - 58)));

function momentWords(view: MetricsView, signals: readonly Signal[], at: number): string {
  const figures = signals.flatMap(({ title, lines, say }) =>
    lines.map(({ name, points }) => {
      const value = points[at] ?? null;
      return `${lines.length > 1 ? name : title} ${value === null ? 'none' : say(value)}`;
    }),
  );
  return [formatTime(view.fromMs + at * view.stepMs, false), ...figures].join(', ');
}

/** What the blue marks are; a click looks at the push. */
function PushLegend({ marks }: { marks: readonly PushMark[] }) {
  const lab = useLab();
  if (marks.length === 0) return <p className="foot-note pad-line">No push in this window.</p>;
  return (
    <ul className="push-legend" aria-label="Pushes in this window">
      {marks.map(({ number, title, atMs }) => (
        <li key={number}>
          <button type="button" className="link" onClick={() => lab.show({ dock: 'xds', push: number })}>
            {number} {title}
          </button>{' '}
          <span className="num dim">{formatTime(atMs, false)}</span>
        </li>
      ))}
    </ul>
  );
}
