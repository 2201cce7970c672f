import { useRef } from 'react';
import { useSize } from '../parts/use-size.ts';
import type { PushMark } from './push-marks.ts';
import { areaPath, barsPath, lastKnown, linePath, mostOf, topOf } from './scale.ts';
import type { Signal } from './signals.ts';

const LEFT = 46;
const TOP = 14;
const FOOT = 18;

interface ChartProps {
  signal: Signal;
  /** Of the field of the curve, in px. */
  height: number;
  pushes: readonly PushMark[];
  /** Index of the step that is pointed at; undefined: the newest with figures. */
  at: number | undefined;
  ticks: readonly { share: number; text: string }[];
  onPoint: (index: number | undefined) => void;
}

/** One signal along time with its axis, the pushes, and the figures of the moment that is pointed at. */
export function Chart({ signal, height, pushes, at, ticks, onPoint }: ChartProps) {
  const holder = useRef<HTMLDivElement>(null);
  const width = Math.max(80, useSize(holder).width - LEFT - 4);
  const { lines } = signal;
  const box = { width, height };
  const top = Math.max(signal.leastTop, topOf(mostOf(...lines.map(({ points }) => points))));
  const count = lines[0]?.points.length ?? 1;
  const shown = at ?? lastKnown(lines[0]?.points ?? []);
  const x = ((shown + 0.5) / count) * width;
  const point = (clientX: number, element: Element): void => {
    const { left } = element.getBoundingClientRect();
    onPoint(Math.min(count - 1, Math.max(0, Math.floor(((clientX - left) / width) * count))));
  };
  return (
    <figure className={`chart ${signal.key}`}>
      <figcaption>
        <b>{signal.title}</b> <span className="unit">{signal.unit}</span>
        <span className="now num">
          {lines.map(({ name, points, style }) => {
            const value = points[shown] ?? null;
            return (
              <span key={name} className={signal.key === 'errors' && value ? 'bad' : ''}>
                {lines.length > 1 && (
                  <>
                    <svg className="now-mark" width="16" height="8" aria-hidden="true">
                      <path d="M0 4h16" className={`line ${style}`} />
                    </svg>
                    {name}{' '}
                  </>
                )}
                {value === null ? 'none' : signal.say(value)}
              </span>
            );
          })}
        </span>
      </figcaption>
      <div ref={holder}>
        <svg width="100%" height={TOP + height + FOOT} aria-hidden="true">
          {[0, 0.5, 1].map((share) => (
            <g key={share} transform={`translate(0 ${TOP + height * (1 - share)})`}>
              <path d={`M${LEFT} 0h${width}`} className={share === 0 ? 'rail' : 'grid'} />
              <text x={LEFT - 6} y="4" textAnchor="end" className="tick">
                {signal.say(top * share)}
              </text>
            </g>
          ))}
          {ticks.map(({ share, text }) => (
            <text
              key={text}
              x={LEFT + share * width}
              y={TOP + height + 14}
              textAnchor={share > 0.95 ? 'end' : share < 0.05 ? 'start' : 'middle'}
              className="tick"
            >
              {text}
            </text>
          ))}
          <g transform={`translate(${LEFT} ${TOP})`}>
            {pushes.map(({ number, share }) => (
              <g key={number} transform={`translate(${share * width} 0)`}>
                <path d={`M0 -2V${height}`} className="push-line" />
                <path d="M0-6l4 4-4 4-4-4z" className="push-mark" />
                <text x="7" y="-3" className="tick push-number">
                  {number}
                </text>
              </g>
            ))}
            {signal.shape === 'area' &&
              lines.map(({ name, points }) => <path key={name} d={areaPath(points, top, box)} className="area" />)}
            {signal.shape === 'bars' &&
              lines.map(({ name, points }) => <path key={name} d={barsPath(points, top, box)} className="bars" />)}
            {signal.shape !== 'bars' &&
              lines.map(({ name, points, style }) => (
                <path key={name} d={linePath(points, top, box)} className={`line ${style}`} />
              ))}
            {at !== undefined && <path d={`M${x} 0V${height}`} className="cursor" />}
            <rect
              width={width}
              height={height}
              fill="transparent"
              onPointerMove={(event) => point(event.clientX, event.currentTarget)}
              onPointerDown={(event) => point(event.clientX, event.currentTarget)}
              onPointerLeave={() => onPoint(undefined)}
            />
          </g>
        </svg>
      </div>
    </figure>
  );
}
