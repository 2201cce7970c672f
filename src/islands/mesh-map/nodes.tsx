import { formatMs, formatRate, formatShare } from '../parts/format.ts';
import { callerTitle, serviceTitle } from '../parts/titles.ts';
import { patternOf } from '../parts/versions.ts';
import type { Frame, PlacedNode } from './layout.ts';
import type { Load } from './load.ts';

const PENTAGON_RING = 'M-18-20H8L28 0 8 20H-18Z';
const PENTAGON_CORE = 'M-9-11H4L15 0 4 11H-9Z';

interface NodeProps {
  placed: PlacedNode;
  across: boolean;
  /** All versions of its service on the map. */
  versions: readonly string[];
  load: Load | undefined;
}

/** A workload: app disc in its proxy's ring, or a gateway's pentagon. */
export function NodeSign({ placed, across, versions }: Pick<NodeProps, 'placed' | 'across' | 'versions'>) {
  const { node, x, y } = placed;
  if (node.role === 'client')
    return placed.label === 'none' ? null : <circle cx={x} cy={y} r="6" className="ring starting" pathLength={100} />;
  if (node.role === 'gateway') {
    return (
      <g transform={`translate(${x} ${y})${across ? '' : ' rotate(90)'}`}>
        <path d={PENTAGON_RING} className="ring" />
        <path d={PENTAGON_CORE} className="ink-fill" />
      </g>
    );
  }
  const pattern = placed.grouped ? patternOf(node.version, versions) : 0;
  return (
    <g transform={`translate(${x} ${y})`}>
      {node.proxied && <circle r="21" className={ringOf(node)} pathLength={100} />}
      {node.ejected && <path d="M-9-9L9 9" className="ejected-bar" />}
      {pattern >= 1 && pattern <= 3 ? (
        <circle r="13" fill={`url(#pv${pattern})`} className={`disc v${pattern}`} />
      ) : (
        <circle r={pattern === 4 ? 9 : 13} className={pattern === 4 ? 'ring-pattern' : 'ink-fill'} />
      )}
    </g>
  );
}

/** Whole when the workload takes part; an arc while it starts; dashes while callers have ejected it. */
function ringOf({ ready, ejected }: PlacedNode['node']): string {
  if (ejected) return 'ring ejected';
  return ready ? 'ring' : 'ring starting';
}

/** `istio-ingressgateway` on two lines, as `ingress` and `gateway`. */
function wordsOf(service: string): string[] {
  return serviceTitle(service).split(' ');
}

export function NodeLabel({ placed, load, across }: NodeProps) {
  const { node, x, y } = placed;
  const rate = load ? formatRate(load.rps) : undefined;
  const failing = load !== undefined && load.errorShare > 0.005;
  const fails = node.ejected ? 'ejected' : failing ? `${formatShare(load.errorShare)} fail` : undefined;
  if (placed.label === 'none') return null;
  if (node.role === 'client')
    return (
      <text x={x} y={y + 24} textAnchor="middle" className="fact">
        {callerTitle(node.service)}
      </text>
    );
  if (placed.label === 'version') return <VersionLabel placed={placed} rate={rate} fails={fails} across={across} />;
  const latency = load && load.rps >= 0.05 ? `${rate} · ${formatMs(load.p50)}` : rate;
  const words = wordsOf(node.service);
  const below = placed.label === 'below';
  // Top to bottom a gateway's point is below.
  const base = below ? y + (node.role === 'gateway' && !across ? 45 : 38) : y - 4;
  const anchor = below ? 'middle' : 'start';
  // A gateway's point reaches beyond a ring.
  const at = below ? x : x + (node.role === 'gateway' ? 36 : 30);
  const lines = below ? words : [words.join(' ')];
  return (
    <g className="words" textAnchor={anchor}>
      {lines.map((word, index) => (
        <text key={word} x={at} y={base + index * 16} className="name">
          {word}
        </text>
      ))}
      {latency && node.role === 'app' && (
        <text x={at} y={base + lines.length * 16} className="fact">
          {latency}
        </text>
      )}
      {fails && (
        <text x={at} y={base + lines.length * 16 + 15} className="fact bad">
          {fails}
        </text>
      )}
    </g>
  );
}

interface VersionLabelProps {
  placed: PlacedNode;
  rate: string | undefined;
  fails: string | undefined;
  across: boolean;
}

function VersionLabel({ placed, rate, fails, across }: VersionLabelProps) {
  const { node, x, y } = placed;
  const at = across ? { x: x + 26, y: y - 9, anchor: 'start' as const } : { x, y: y + 40, anchor: 'middle' as const };
  return (
    <g className="words">
      <text x={at.x} y={at.y} textAnchor={at.anchor} className="name">
        {node.version}
        {rate && <tspan className="fact"> {rate}</tspan>}
      </text>
      {fails && across && (
        <text x={x - 4} y={y + 42} textAnchor="middle" className="fact bad">
          {fails}
        </text>
      )}
    </g>
  );
}

export function FrameSign({ frame }: { frame: Frame }) {
  return (
    <g className="words">
      <rect x={frame.x} y={frame.y} width={frame.width} height={frame.height} rx="8" className="frame" />
      <text x={frame.x + 13} y={frame.titleY} className="name">
        {frame.service}
      </text>
    </g>
  );
}
