import { areaPath, barsPath, linePath, mostOf, topOf } from './scale.ts';
import type { Signal } from './signals.ts';

const BOX = { width: 120, height: 26 };

/** A signal as one small picture without an axis; the figure stands beside it. */
export function Spark({ signal, marks }: { signal: Signal; marks: readonly number[] }) {
  const top = Math.max(signal.leastTop, topOf(mostOf(...signal.lines.map(({ points }) => points))));
  return (
    <svg
      viewBox={`0 -2 ${BOX.width} ${BOX.height + 3}`}
      preserveAspectRatio="none"
      className={`spark ${signal.key}`}
      aria-hidden="true"
    >
      <path d={`M0 ${BOX.height}H${BOX.width}`} className="rail" vectorEffect="non-scaling-stroke" />
      {marks.map((share) => (
        <path
          key={share}
          d={`M${share * BOX.width} -2V${BOX.height}`}
          className="push-line"
          vectorEffect="non-scaling-stroke"
        />
      ))}
      {signal.shape === 'area' &&
        signal.lines.map(({ name, points }) => <path key={name} d={areaPath(points, top, BOX)} className="area" />)}
      {signal.shape === 'bars' &&
        signal.lines.map(({ name, points }) => <path key={name} d={barsPath(points, top, BOX)} className="bars" />)}
      {signal.shape !== 'bars' &&
        signal.lines.map(({ name, points, style }) => (
          <path
            key={name}
            d={linePath(points, top, BOX)}
            className={`line ${style}`}
            vectorEffect="non-scaling-stroke"
          />
        ))}
    </svg>
  );
}
