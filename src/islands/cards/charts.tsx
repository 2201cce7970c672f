interface Bar {
  readonly name: string;
  readonly value: number;
}

const width = 640;
const height = 140;
const floor = height - 20;

/** Bars with a table as their twin. */
export function BarChart({
  name,
  columns,
  bars,
}: {
  name: string;
  columns: readonly [string, string];
  bars: readonly Bar[];
}) {
  const most = Math.max(1, ...bars.map(({ value }) => value));
  const step = width / bars.length;
  return (
    <figure className="chart">
      <svg viewBox={`0 0 ${width} ${height}`} role="img" aria-label={name}>
        <line x1="0" x2={width} y1={floor} y2={floor} className="axis" />
        {bars.map(({ name: bar, value }, index) => {
          const tall = (value / most) * (floor - 18);
          return (
            <g key={bar}>
              {value > 0 && (
                <rect x={index * step + 2} y={floor - tall} width={step - 4} height={tall} className="bar" />
              )}
              {value === most && value > 0 && (
                <text x={index * step + step / 2} y={floor - tall - 5} textAnchor="middle">
                  {value}
                </text>
              )}
            </g>
          );
        })}
        <text x="0" y={height - 3}>
          {bars[0]?.name}
        </text>
        <text x={width} y={height - 3} textAnchor="end">
          {bars.at(-1)?.name}
        </text>
      </svg>
      <details>
        <summary>As a table</summary>
        <table>
          <thead>
            <tr>
              <th scope="col">{columns[0]}</th>
              <th scope="col">{columns[1]}</th>
            </tr>
          </thead>
          <tbody>
            {bars.map((bar) => (
              <tr key={bar.name}>
                <th scope="row">{bar.name}</th>
                <td className="num">{bar.value}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </figure>
  );
}

interface Point {
  readonly expected: number;
  readonly real: number;
  readonly reviews: number;
}

const side = 220;
const edge = 36;

/** Expected against real recall: a disc for each step, larger for more reviews. */
export function Calibration({ points }: { points: readonly Point[] }) {
  const at = (value: number) => edge + value * side;
  const up = (value: number) => edge / 2 + (1 - value) * side;
  const most = Math.max(...points.map(({ reviews }) => reviews));
  return (
    <figure className="chart calibration">
      <svg viewBox={`0 0 ${side + edge * 1.5} ${side + edge * 1.5}`} role="img" aria-label="Expected and real recall">
        <line x1={at(0)} x2={at(1)} y1={up(0)} y2={up(0)} className="axis" />
        <line x1={at(0)} x2={at(0)} y1={up(0)} y2={up(1)} className="axis" />
        <line x1={at(0)} x2={at(1)} y1={up(0)} y2={up(1)} className="ideal" />
        {points.map(({ expected, real, reviews }) => (
          <circle
            key={expected}
            cx={at(expected)}
            cy={up(real)}
            r={3 + 7 * Math.sqrt(reviews / most)}
            className="point"
          />
        ))}
        <text x={at(0.5)} y={up(0) + 22} textAnchor="middle">
          expected
        </text>
        <text x={0} y={up(0.5)} transform={`rotate(-90 10 ${up(0.5)})`} textAnchor="middle">
          real
        </text>
      </svg>
      <table>
        <thead>
          <tr>
            <th scope="col">Expected</th>
            <th scope="col">Real</th>
            <th scope="col">Reviews</th>
          </tr>
        </thead>
        <tbody>
          {points.map(({ expected, real, reviews }) => (
            <tr key={expected}>
              <th scope="row" className="num">
                {Math.round(expected * 100)} %
              </th>
              <td className="num">{Math.round(real * 100)} %</td>
              <td className="num">{reviews}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </figure>
  );
}
