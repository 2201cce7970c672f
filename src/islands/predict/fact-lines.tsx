import { useEffect, useRef } from 'react';
import type { ForecastLine, ForecastRunView } from '#contract';
import { KeepCard } from '../cards/keep-card.tsx';
import { forecastCard } from '../cards/lab-cards.ts';
import { useLab } from '../parts/use-store.ts';

const WIDTH = 300;

/** Forecast over fact: a hollow triangle where it was said, a bar as long as it came, on one axis, with words at both. */
export function FactLines({ fact }: { fact: ForecastRunView }) {
  const lab = useLab();
  const close = fact.lines.filter((line) => line.close).length;
  const place = useRef<HTMLElement>(null);
  // What came of a run is what its button was pressed for.
  useEffect(() => {
    if (fact.lines.length > 0) place.current?.scrollIntoView({ block: 'nearest' });
  }, [fact]);
  return (
    <section className="facts" aria-label="Forecast and fact" ref={place}>
      <h3>Forecast and fact</h3>
      <p role="status">
        {close} of {fact.lines.length} figures were close.
      </p>
      <ul>
        {fact.lines.map((line) => (
          <li key={line.id} className={line.close ? '' : 'off'}>
            <b>{line.name}</b>
            <Bar line={line} />
            <span className="num">
              you said {figure(line.said)} {line.unit}, it was {figure(line.was)} {line.unit}
            </span>
            {!line.close && <KeepCard content={() => forecastCard(line, lab)} of={line.name} />}
          </li>
        ))}
      </ul>
      <p className="num">
        {fact.requests} requests in {(fact.tookMs / 1000).toFixed(1)} s.
      </p>
    </section>
  );
}

function Bar({ line }: { line: ForecastLine }) {
  const most = line.unit === '%' ? 100 : Math.max(1, line.said, line.was) * 1.15;
  const said = (line.said / most) * WIDTH;
  const was = (line.was / most) * WIDTH;
  return (
    <svg viewBox={`-8 0 ${WIDTH + 16} 30`} className="bar" aria-hidden="true">
      <rect x="0" y="15" width={Math.max(1, was)} height="10" className="was" />
      <path d={`M0 25H${WIDTH}`} className="axis" />
      <path d={`M${said} 27V12`} className="stem" />
      <path d={`M${said - 6} 2h12l-6 10z`} className="said" />
    </svg>
  );
}

const figure = (value: number): string => String(Number(value.toFixed(value < 10 ? 1 : 0)));
