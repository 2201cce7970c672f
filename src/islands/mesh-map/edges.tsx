import type { MeshEdge } from '#contract';
import { formatMs, formatRate } from '../parts/format.ts';
import { type PlacedEdge, type PlacedNode, pathOf, pointAt, type Track } from './layout.ts';
import { deathAt, requestsPerMark } from './marks.ts';
import { isUnheard, type Refused } from './refused.ts';

const IDLE_RPS = 0.05;

/** Line width in px for a rate: 1.4 when hardly used, at most 6. */
export function widthOf(rps: number): number {
  return Math.min(6, 1.4 + 0.065 * rps);
}

export function EdgeLine({ placed, edge }: { placed: PlacedEdge; edge: MeshEdge | undefined }) {
  const idle = !edge || edge.rps < IDLE_RPS;
  return (
    <path d={pathOf(placed)} className={idle ? 'edge idle' : 'edge'} strokeWidth={idle ? 1.4 : widthOf(edge.rps)} />
  );
}

/** A short track beside a caller that ends at a buffer stop: its own proxy refused these. */
export function Siding({ placed, refused }: { placed: PlacedEdge; refused: Refused }) {
  const { x, y } = placed.end;
  const flags = Object.keys(refused.flags).join(' ');
  return (
    <g className="siding">
      <path d={pathOf(placed)} className="edge" strokeWidth={widthOf(refused.rps)} />
      <path d={`M${x} ${y - 8}v16`} className="buffer" />
      <text x={x + 8} y={y + 4} className="fact bad">
        {formatRate(refused.rps)} {flags}
      </text>
    </g>
  );
}

interface EdgeSignsProps {
  track: Track;
  edge: MeshEdge;
  from: PlacedNode;
  to: PlacedNode;
  across: boolean;
  /** Width of the picture: words stay inside. */
  width: number;
  /** Marks move; otherwise counters need the room of a short line. */
  moving: boolean;
  /** Its line runs close to others of the same caller: the list below the map has the words. */
  crowded: boolean;
}

/** Lock, breaker, and words on a line; only what is wrong has words. */
export function EdgeSigns({ track, edge, from, to, across, width, moving, crowded }: EdgeSignsProps) {
  if (edge.rps < IDLE_RPS) return null;
  // A line that nobody was asked on has no connection to be locked.
  const inMesh = (from.node.proxied || to.node.proxied) && !isUnheard(edge);
  const bare = from.node.role === 'client';
  const full = 'UO' in edge.flags;
  return (
    <>
      {inMesh && !bare && !(full && !moving) && track.length > (moving ? 60 : 120) && (
        <Lock track={track} edge={edge} moving={moving} />
      )}
      {full && <Breaker track={track} across={across} />}
      {edge.slowShare > 0.05 && !crowded && (
        <SlowWords track={track} edge={edge} across={across} width={width} moving={moving} />
      )}
    </>
  );
}

interface LockProps {
  track: Track;
  edge: MeshEdge;
  moving: boolean;
}

const LOCK_AT = 0.66;

/** Beyond the junction, where lines of one caller have parted; behind the counters when nothing moves. */
function Lock({ track, edge, moving }: LockProps) {
  const refused = !edge.mtls && edge.errorShare > 0.5 && ('UC' in edge.flags || 'UF' in edge.flags);
  const { x, y } = pointAt(track, refused ? 0.9 : moving ? LOCK_AT : 0.84);
  const kind = edge.mtls ? 'closed' : refused ? 'refused' : 'open';
  return (
    <g transform={`translate(${x} ${y})`} className={`lock ${kind}`}>
      <circle r="10.5" className="ground" />
      <rect x="-4.4" y="-1" width="8.8" height="6.2" rx="1" />
      <path d={edge.mtls ? 'M-2.4-1V-2.8a2.4 2.4 0 0 1 4.8 0V-1' : 'M-2.8-1V-3.2a2.8 2.8 0 0 1 5.2-1.4'} />
      {refused && <path d="M-9 8L9-9" className="bar" />}
    </g>
  );
}

function Breaker({ track, across }: { track: Track; across: boolean }) {
  const { x, y, angle } = pointAt(track, Math.max(0.5, 1 - 13 / track.length));
  const words = across
    ? { x: x - 20, y: y + 22, anchor: 'end' as const }
    : { x: x + 16, y: y + 2, anchor: 'start' as const };
  return (
    <>
      <g transform={`translate(${x} ${y}) rotate(${angle})`} className="breaker">
        <circle r="13" className="ground" />
        <path d="M-13 0h5M8 0h5M-8 0L7-9" />
        <circle cx="-8" r="2.6" />
        <circle cx="8" r="2.6" />
      </g>
      <text x={words.x} y={words.y} textAnchor={words.anchor} className="fact bad">
        {across ? 'pool full' : 'full'}
      </text>
    </>
  );
}

function SlowWords({ track, edge, across, width, moving }: Omit<EdgeSignsProps, 'from' | 'to' | 'crowded'>) {
  const { x, y } = pointAt(track, moving ? LOCK_AT : 0.56);
  // On the outer side of a line that bends: the lines of its neighbours are on the other. Before the lock, which they would cover.
  const rise = (track.points[0]?.y ?? y) - (track.points.at(-1)?.y ?? y);
  const level = Math.abs(rise) < 1;
  const beside = moving && !level ? { x: x - 5, anchor: 'end' as const } : { x: x - 6, anchor: 'middle' as const };
  return (
    <text
      x={across ? beside.x : Math.min(x + 18, width - 76)}
      y={y + (across ? (rise > 1 ? -16 : 25) : 16)}
      textAnchor={across ? beside.anchor : 'start'}
      className="fact late"
    >
      p90 {formatMs(edge.p90)}
    </text>
  );
}

/** The bolt of a fault stands at the proxy that injects it: the caller's. */
export function FaultBolt({ placed, kind }: { placed: PlacedNode; kind: 'delay' | 'abort' }) {
  const at = { x: placed.x + 24, y: placed.y + 21 };
  return (
    <g transform={`translate(${at.x} ${at.y})`} className={`bolt ${kind}`}>
      <circle r="11" />
      <path d="M1-7L-4.5 1H0L-1 7 4.5-1H0z" />
      {kind === 'abort' && <path d="M-13 0h26" className="bar" />}
    </g>
  );
}

const COUNT_GAP = 7;

/** Counters by shape, for a line on which nothing may move. */
export function EdgeCounters({ track, edge, at }: { track: Track; edge: MeshEdge; at: number }) {
  if (edge.rps < IDLE_RPS || track.length < 70) return null;
  const { x, y } = pointAt(track, edge.errorShare > 0 ? Math.max(0.3, deathAt(edge) * 0.66) : at);
  const one = (share: number): string => String(Number((edge.rps * share).toFixed(1)));
  const fine = 1 - edge.errorShare - edge.slowShare;
  const counts = [
    ...(fine > 0.001 ? [{ kind: 'ok', text: one(fine) }] : []),
    ...(edge.slowShare > 0.001 ? [{ kind: 'slow', text: one(edge.slowShare) }] : []),
    ...(edge.errorShare > 0.001 ? [{ kind: 'error', text: one(edge.errorShare) }] : []),
  ];
  const widthOfCount = (text: string): number => 17 + text.length * 6.8;
  const width = counts.reduce((sum, { text }) => sum + widthOfCount(text) + COUNT_GAP, -COUNT_GAP);
  let left = -width / 2;
  return (
    <g transform={`translate(${x} ${y})`} className="counters">
      <rect x={-width / 2 - 2} y="-9" width={width + 4} height="18" className="ground" />
      {counts.map((count) => {
        const at = left;
        left += widthOfCount(count.text) + COUNT_GAP;
        return (
          <g key={count.kind} transform={`translate(${at} 0)`}>
            <svg x="0" y="-6.5" width="13" height="13" aria-hidden="true">
              <use href={`#m-${count.kind}`} />
            </svg>
            <text x="16" y="4.5" className={`fact ${count.kind}`}>
              {count.text}
            </text>
          </g>
        );
      })}
    </g>
  );
}

/** `1 dot = 5 requests`, or nothing when a dot is a request. */
export function scaleWords(edges: readonly MeshEdge[]): string {
  const per = requestsPerMark(edges);
  return per === 1 ? '1 dot = 1 request' : `1 dot = ${per} requests`;
}
