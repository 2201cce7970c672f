import type { MeshEdge, MeshNode } from '#contract';

export interface Point {
  x: number;
  y: number;
}

/** A workload with its place. */
export interface PlacedNode extends Point {
  node: MeshNode;
  /** Where its words stand. */
  label: 'below' | 'right' | 'version' | 'none';
  /** Runs beside other versions of its service. */
  grouped: boolean;
}

/** The dotted frame round the versions of one service. */
export interface Frame {
  service: string;
  x: number;
  y: number;
  width: number;
  height: number;
  /** Baseline of the service's name. */
  titleY: number;
}

/** A line from one workload to another, as an SVG path of straight and cubic pieces. */
export interface PlacedEdge {
  key: string;
  from: string;
  to: string;
  start: Point;
  /** The junction where lines of one node part: the line is straight before it. */
  bend: Point;
  control1: Point;
  control2: Point;
  end: Point;
}

export interface Layout {
  width: number;
  height: number;
  direction: 'across' | 'down';
  nodes: PlacedNode[];
  frames: Frame[];
  edges: PlacedEdge[];
}

export const RING = 21;
const MARGIN = 62;
const PITCH = 92;
/** From this pitch on there is room for three lines of words between two workloads of a column. */
const WORDS_BELOW = 86;
/** Width of a letter of a name, about. */
const LETTER = 7.8;
/** Rate and latency under a name, at their longest. */
const FACT = 100;
const FRAME_RIGHT = 88;
/** Room at both ends of a column for frames and words; all the words below a workload have theirs where the place is high enough. */
const ENDS = { across: [46, 84], down: [24, 24] } as const;
const LEAST_PITCH = { across: 56, down: 64 } as const;

interface Group {
  service: string;
  nodes: MeshNode[];
}

export function edgeKey(edge: Pick<MeshEdge, 'from' | 'to'>): string {
  return `${edge.from}→${edge.to}`;
}

/** Services in columns by hop: each stands one column after the farthest service that calls it. Cycles are cut where they close. */
export function columnsOf(nodes: readonly MeshNode[], edges: readonly MeshEdge[]): Group[][] {
  const serviceOf = new Map(nodes.map((node) => [node.id, groupName(node)]));
  const callers = new Map<string, Set<string>>();
  for (const name of serviceOf.values()) callers.set(name, new Set());
  for (const edge of edges) {
    const from = serviceOf.get(edge.from);
    const to = serviceOf.get(edge.to);
    if (from !== undefined && to !== undefined && from !== to) callers.get(to)?.add(from);
  }
  const depth = new Map<string, number>();
  const depthOf = (service: string, path: readonly string[]): number => {
    const known = depth.get(service);
    if (known !== undefined) return known;
    const before = [...(callers.get(service) ?? [])].filter((caller) => !path.includes(caller));
    const own = before.length === 0 ? 0 : 1 + Math.max(...before.map((one) => depthOf(one, [...path, service])));
    depth.set(service, own);
    return own;
  };
  const isolated = (service: string): boolean =>
    callers.get(service)?.size === 0 && ![...callers.values()].some((set) => set.has(service));
  const groups = groupsOf(nodes);
  const columns: Group[][] = [];
  for (const group of groups) {
    const role = group.nodes[0]?.role;
    const alone = isolated(group.service) && role === 'app' && groups.length > 1;
    const column = alone ? 1 : depthOf(group.service, []);
    while (columns.length <= column) columns.push([]);
    columns[column]?.push(group);
  }
  return columns.filter((column) => column.length > 0);
}

function groupName(node: MeshNode): string {
  return node.role === 'client' ? `client ${node.id}` : node.service;
}

function groupsOf(nodes: readonly MeshNode[]): Group[] {
  const byName = new Map<string, MeshNode[]>();
  for (const node of nodes) {
    const name = groupName(node);
    byName.set(name, [...(byName.get(name) ?? []), node]);
  }
  return [...byName]
    .map(([service, members]) => ({
      service,
      nodes: members.sort((a, b) => a.version.localeCompare(b.version, 'en', { numeric: true })),
    }))
    .sort((a, b) => a.service.localeCompare(b.service, 'en'));
}

interface Slot {
  node: MeshNode;
  group: Group;
  /** Extra room before it, where a frame begins. */
  gap: number;
}

function slotsOf(column: readonly Group[]): Slot[] {
  // A frame needs room before and behind it.
  const framed = (group: Group | undefined): boolean => (group?.nodes.length ?? 0) > 1;
  return column.flatMap((group, place) =>
    group.nodes.map((node, index) => ({
      node,
      group,
      gap: index === 0 && (framed(group) || framed(column[place - 1])) ? 0.42 : 0,
    })),
  );
}

interface Place {
  width: number;
  height: number;
  direction: 'across' | 'down';
}

/**
 * Places workloads by hop, left to right or, on narrow screens, top to bottom. The picture grows beyond `place` where the
 * workloads need it; the same nodes and edges always give the same places.
 */
export function layoutOf(nodes: readonly MeshNode[], edges: readonly MeshEdge[], place: Place): Layout {
  const columns = columnsOf(nodes, edges);
  const across = place.direction === 'across';
  const cross = across ? place.height : place.width;
  const units = columns.map((column) => slotsOf(column).reduce((sum, slot) => sum + 1 + slot.gap, 0));
  const most = Math.max(1, ...units);
  const leastPitch = LEAST_PITCH[place.direction];
  const [leastEnds, wantedEnds] = ENDS[place.direction];
  const ends = Math.min(wantedEnds, Math.max(leastEnds, cross - most * leastPitch));
  const pitch = Math.max(leastPitch, Math.min(across ? PITCH : 104, (cross - ends) / most));
  const crossSize = Math.max(cross, most * pitch + ends);
  const calls = new Set(edges.map(({ from }) => from));
  const enters = columns.length > 1 && isOutside(columns[0]);
  const { stops, size: mainSize } = stopsOf(columns, across ? place.width : place.height, across);
  const placed: PlacedNode[] = [];
  const frames: Frame[] = [];
  for (const [index, column] of columns.entries()) {
    const along = stops[index] ?? 0;
    const slots = slotsOf(column);
    const last = index === columns.length - 1;
    const centre = slots.length === 1 ? besideCallers(slots[0]!.node.id, edges, placed, across) : undefined;
    let at = (centre ?? crossSize / 2) - ((units[index] ?? 1) * pitch) / 2;
    for (const slot of slots) {
      const roomy = pitch >= WORDS_BELOW || slot === slots.at(-1);
      at += slot.gap * pitch;
      const side = at + pitch / 2;
      const grouped = slot.group.nodes.length > 1;
      const where = { shared: column.length > 1, across, last, roomy, enters, calls: calls.has(slot.node.id) };
      const label = labelOf(slot, where);
      placed.push({ node: slot.node, grouped, label, x: across ? along : side, y: across ? side : along });
      at += pitch;
    }
    frames.push(...framesOf(column, placed, { across, pitch }));
  }
  const width = across ? mainSize : crossSize;
  const height = across ? crossSize : mainSize;
  return { width, height, direction: place.direction, nodes: placed, frames, edges: edgesOf(edges, placed, across) };
}

/** Where each column stands. Callers from outside enter at the border; lines that fan out get more room. */
function stopsOf(columns: readonly Group[][], wanted: number, across: boolean): { stops: number[]; size: number } {
  const entered = columns.length > 1 && isOutside(columns[0]);
  const inner = entered ? columns.slice(1) : columns;
  const weights = inner.slice(1).map((column, index) => {
    const [here, before] = [slotsOf(column).length, slotsOf(inner[index] ?? []).length];
    return here > 1 ? 1.6 : before > 1 ? 1.25 : 1;
  });
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const least = across ? 92 : 76;
  const widest = across ? 150 : 104;
  const beyond = across ? roomRightOf(columns.at(-1) ?? []) : MARGIN;
  const unit = total === 0 ? 0 : Math.min(widest, Math.max(least, (wanted - MARGIN - beyond) / total));
  const size = Math.max(wanted, unit * total + MARGIN + beyond);
  // In the middle, as long as what stands beside the last column has its room.
  let at = Math.min((size - unit * total) / 2, size - unit * total - beyond);
  const stops = [at, ...weights.map((weight) => (at += unit * weight))];
  return { stops: entered ? [0, ...stops] : stops, size };
}

/** Frames and words to the right of the last column's middle. */
function roomRightOf(column: readonly Group[]): number {
  const beside = column.filter(({ nodes }) => nodes.length === 1);
  const words =
    column.length > 1 ? Math.max(0, ...beside.map(({ service }) => 30 + Math.max(FACT, service.length * LETTER))) : 0;
  const frame = column.some(({ nodes }) => nodes.length > 1) ? FRAME_RIGHT + 10 : 0;
  return Math.max(MARGIN, words, frame);
}

function isOutside(column: readonly Group[] | undefined): boolean {
  return column?.every((group) => group.nodes.every((node) => node.role === 'client')) ?? false;
}

/** A workload alone in its column stands level with those that call it. */
function besideCallers(
  id: string,
  edges: readonly MeshEdge[],
  placed: readonly PlacedNode[],
  across: boolean,
): number | undefined {
  const callers = edges.flatMap((edge) =>
    edge.to === id ? (placed.find((one) => one.node.id === edge.from) ?? []) : [],
  );
  if (callers.length === 0) return undefined;
  return callers.reduce((sum, one) => sum + (across ? one.y : one.x), 0) / callers.length;
}

interface LabelPlace {
  shared: boolean;
  across: boolean;
  last: boolean;
  /** There is room for words between it and the next of its column. */
  roomy: boolean;
  /** Callers from outside have a column of their own, at the border. */
  enters: boolean;
  /** It calls others: their lines begin at its right. */
  calls: boolean;
}

function labelOf(slot: Slot, where: LabelPlace): PlacedNode['label'] {
  if (slot.node.role === 'client') return where.enters ? 'none' : 'below';
  if (slot.group.nodes.length > 1) return 'version';
  if (where.across) return where.shared && !(where.calls && where.roomy) ? 'right' : 'below';
  return where.shared || where.last ? 'below' : 'right';
}

function framesOf(
  column: readonly Group[],
  placed: readonly PlacedNode[],
  how: { across: boolean; pitch: number },
): Frame[] {
  const half = Math.min(44, how.pitch * 0.52);
  return column
    .filter((group) => group.nodes.length > 1)
    .map((group) => {
      const own = placed.filter((one) => one.node.service === group.service && one.grouped);
      const xs = own.map((one) => one.x);
      const ys = own.map((one) => one.y);
      const room = Math.min(48, how.pitch * 0.62);
      const [left, right, top, bottom] = how.across ? [42, FRAME_RIGHT, room, 48] : [half, half, 50, 78];
      const x = Math.min(...xs) - left;
      const y = Math.min(...ys) - top;
      const height = Math.max(...ys) + bottom - y;
      const above = room < 42 ? y - 6 : y + 18;
      const titleY = how.across ? above : y + height - 12;
      return { service: group.service, x, y, width: Math.max(...xs) + right - x, height, titleY };
    });
}

function edgesOf(edges: readonly MeshEdge[], placed: readonly PlacedNode[], across: boolean): PlacedEdge[] {
  const byId = new Map(placed.map((one) => [one.node.id, one]));
  return edges.flatMap((edge) => {
    const from = byId.get(edge.from);
    const to = byId.get(edge.to);
    if (!from || !to || from === to) return [];
    const siblings = edges.filter((other) => other.from === edge.from).length;
    return [{ key: edgeKey(edge), from: edge.from, to: edge.to, ...curve(from, to, { across, parts: siblings > 1 }) }];
  });
}

function radius(placed: PlacedNode): number {
  if (placed.node.role === 'client') return 0;
  return placed.node.proxied ? RING : 13;
}

/** Works in (along, aside) so that both directions share one drawing. */
function curve(
  from: PlacedNode,
  to: PlacedNode,
  how: { across: boolean; parts: boolean },
): Omit<PlacedEdge, 'key' | 'from' | 'to'> {
  const turn = (along: number, aside: number): Point => (how.across ? { x: along, y: aside } : { x: aside, y: along });
  const [a, b] = how.across ? [from.x, to.x] : [from.y, to.y];
  const [sideA, sideB] = how.across ? [from.y, to.y] : [from.x, to.x];
  const forward = b > a ? 1 : -1;
  const start = a + forward * radius(from);
  const end = b - forward * radius(to);
  if (Math.abs(b - a) < 2) {
    // Two in one column: a bow beside them.
    const down = sideB > sideA ? 1 : -1;
    const bow = a + 64;
    return {
      start: turn(a, sideA + down * radius(from)),
      bend: turn(a, sideA + down * radius(from)),
      control1: turn(bow, sideA + down * 34),
      control2: turn(bow, sideB - down * 34),
      end: turn(b, sideB - down * radius(to)),
    };
  }
  const length = end - start;
  const straight = Math.abs(sideA - sideB) < 1;
  const bend = how.parts && !straight ? start + length * 0.22 : start;
  const rest = end - bend;
  return {
    start: turn(start, sideA),
    bend: turn(bend, sideA),
    control1: turn(bend + rest * 0.42, sideA),
    control2: turn(bend + rest * 0.42, sideB),
    end: turn(end, sideB),
  };
}

/**
 * Where a line has its counters: behind the junction where one caller's lines part, before it where lines of several callers meet. Top to
 * bottom there is no room for many beside one another, so they take turns near the end, where the lines have parted.
 */
export function counterPlace(edge: PlacedEdge, all: readonly PlacedEdge[], across: boolean): number {
  const siblings = all.filter(({ from }) => from === edge.from);
  const meeting = all.filter(({ to }) => to === edge.to);
  if (meeting.length > siblings.length) return 0.42;
  if (across || siblings.length < 3) return 0.56;
  return siblings.toSorted((a, b) => a.end.x - b.end.x).indexOf(edge) % 2 === 0 ? 0.84 : 0.62;
}

export function pathOf(edge: PlacedEdge): string {
  const at = (point: Point): string => `${point.x.toFixed(1)} ${point.y.toFixed(1)}`;
  return `M${at(edge.start)}L${at(edge.bend)}C${at(edge.control1)} ${at(edge.control2)} ${at(edge.end)}`;
}

/** Points along the line with their distance from its start, so that a mark's place is one look-up. */
export interface Track {
  points: Point[];
  distances: number[];
  length: number;
}

const SAMPLES = 40;

export function trackOf(edge: PlacedEdge): Track {
  const points: Point[] = [edge.start];
  for (let index = 0; index <= SAMPLES; index++) points.push(cubic(edge, index / SAMPLES));
  const distances: number[] = [0];
  for (let index = 1; index < points.length; index++) {
    const [before, here] = [points[index - 1]!, points[index]!];
    distances.push(distances[index - 1]! + Math.hypot(here.x - before.x, here.y - before.y));
  }
  return { points, distances, length: distances.at(-1)! };
}

function cubic(edge: PlacedEdge, t: number): Point {
  const u = 1 - t;
  const mix = (axis: 'x' | 'y'): number =>
    u ** 3 * edge.bend[axis] +
    3 * u * u * t * edge.control1[axis] +
    3 * u * t * t * edge.control2[axis] +
    t ** 3 * edge.end[axis];
  return { x: mix('x'), y: mix('y') };
}

/** Where a mark stands at `share` (0 to 1) of the way, and which way the line runs there, in degrees. */
export function pointAt(track: Track, share: number): Point & { angle: number } {
  const wanted = Math.min(1, Math.max(0, share)) * track.length;
  let index = 1;
  while (index < track.distances.length - 1 && track.distances[index]! < wanted) index += 1;
  const [before, here] = [track.points[index - 1]!, track.points[index]!];
  const span = track.distances[index]! - track.distances[index - 1]!;
  const part = span === 0 ? 0 : (wanted - track.distances[index - 1]!) / span;
  const [dx, dy] = [here.x - before.x, here.y - before.y];
  return { x: before.x + dx * part, y: before.y + dy * part, angle: (Math.atan2(dy, dx) * 180) / Math.PI };
}
