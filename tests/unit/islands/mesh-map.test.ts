import { expect, test } from 'vitest';
import type { MeshEdge, MeshNode } from '#contract';
import {
  columnsOf,
  counterPlace,
  edgeKey,
  layoutOf,
  pathOf,
  pointAt,
  trackOf,
} from '../../../src/islands/mesh-map/layout.ts';
import { loadOf } from '../../../src/islands/mesh-map/load.ts';
import {
  advance,
  deathAt,
  MARK_CAP,
  requestsPerMark,
  stillFlow,
  travelMs,
} from '../../../src/islands/mesh-map/marks.ts';
import { reachedOf } from '../../../src/islands/mesh-map/refused.ts';
import { sentencesOf, summaryOf } from '../../../src/islands/mesh-map/sentences.ts';
import { meshAt } from '../../support/stub-lab/traffic.ts';

const mesh = meshAt(0, true);
const place = { width: 640, height: 400, direction: 'across' } as const;

function edge(from: string, to: string, rps: number, more: Partial<MeshEdge> = {}): MeshEdge {
  const calm = { errorShare: 0, slowShare: 0, p50: 10, p90: 20, p99: 30, mtls: true, flags: {} };
  return { from, to, rps, ...calm, ...more };
}

function app(service: string, version = 'v1'): MeshNode {
  return { id: `${service}-${version}`, service, version, role: 'app', proxied: true, ready: true };
}

test('services stand in columns by hop, after the farthest that calls them', () => {
  const columns = columnsOf(mesh.nodes, mesh.edges).map((column) => column.map((group) => group.service));
  expect(columns).toEqual([
    ['client client'],
    ['istio-ingressgateway'],
    ['productpage'],
    ['details', 'reviews'],
    ['ratings'],
  ]);
});

test('a cycle of calls is cut and every service still has a place', () => {
  const nodes = [app('a'), app('b'), app('c')];
  const edges = [edge('a-v1', 'b-v1', 1), edge('b-v1', 'c-v1', 1), edge('c-v1', 'a-v1', 1)];
  expect(layoutOf(nodes, edges, place).nodes).toHaveLength(3);
});

test('the same workloads have the same places whatever the traffic', () => {
  const places = (edges: readonly MeshEdge[]) => layoutOf(mesh.nodes, edges, place).nodes.map(({ x, y }) => [x, y]);
  const quiet = mesh.edges.map((one) => ({ ...one, rps: 0 }));
  expect(places(quiet)).toEqual(places(mesh.edges));
});

test('no two workloads overlap, wide or narrow', () => {
  for (const size of [place, { width: 390, height: 430, direction: 'down' } as const]) {
    const { nodes } = layoutOf(mesh.nodes, mesh.edges, size);
    for (const [index, one] of nodes.entries()) {
      for (const other of nodes.slice(index + 1)) {
        expect(Math.hypot(one.x - other.x, one.y - other.y)).toBeGreaterThan(46);
      }
    }
  }
});

test('versions of one service share a frame that holds them', () => {
  const { frames, nodes } = layoutOf(mesh.nodes, mesh.edges, place);
  expect(frames.map((frame) => frame.service)).toEqual(['reviews']);
  const [frame] = frames;
  for (const one of nodes.filter((node) => node.grouped)) {
    expect(one.y - 21).toBeGreaterThan(frame?.y ?? Number.POSITIVE_INFINITY);
    expect(one.y + 21).toBeLessThan((frame?.y ?? 0) + (frame?.height ?? 0));
  }
});

test('frames and words of the last column lie within the picture, and a caller’s words below its line', () => {
  const nodes = [app('edge'), app('catalog'), app('productpage'), ...['v1', 'v2', 'v3'].map((v) => app('reviews', v))];
  const edges = [
    edge('edge-v1', 'catalog-v1', 2),
    edge('edge-v1', 'productpage-v1', 11),
    edge('productpage-v1', 'reviews-v1', 11),
  ];
  const layout = layoutOf(nodes, edges, { width: 622, height: 360, direction: 'across' });
  expect(layout.width).toBe(622);
  const [frame] = layout.frames;
  expect((frame?.x ?? 0) + (frame?.width ?? 0)).toBeLessThan(622);
  expect(layout.nodes.find(({ node }) => node.service === 'productpage')?.label).toBe('below');
  expect(layout.nodes.find(({ node }) => node.service === 'catalog')?.label).toBe('right');
});

test('counters of lines that part stand behind the junction, of lines that meet before it', () => {
  const { edges } = layoutOf(mesh.nodes, mesh.edges, place);
  const of = (from: string, to: string) => edges.find((one) => one.from === from && one.to === to) ?? edges[0]!;
  const out = of('productpage-v1', 'reviews-v1');
  expect(counterPlace(out, edges, true)).toBeGreaterThan(0.5);
  const meeting = edges.filter((one) => edges.filter(({ to }) => to === one.to).length > 1);
  for (const one of meeting) expect(counterPlace(one, edges, true)).toBeLessThan(0.5);
});

test('a narrow map fits a phone without sideways scrolling', () => {
  expect(layoutOf(mesh.nodes, mesh.edges, { width: 320, height: 430, direction: 'down' }).width).toBeLessThanOrEqual(
    320,
  );
});

test('a mark goes from the start of its line to the end', () => {
  const line = layoutOf(mesh.nodes, mesh.edges, place).edges.find((one) => one.to === 'reviews-v1');
  if (!line) throw new Error('the line to reviews v1 is missing');
  const track = trackOf(line);
  expect(pointAt(track, 0)).toMatchObject(line.start);
  expect(pointAt(track, 1).x).toBeCloseTo(line.end.x, 3);
  expect(pathOf(line)).toMatch(/^M[\d. ]+L[\d. ]+C/);
});

test('marks leave at the measured rate, in the measured shares, without chance', () => {
  const edges = [edge('a', 'b', 10, { errorShare: 0.2 })];
  let flow = stillFlow;
  const seen = new Map<number, string>();
  for (let step = 0; step < 1000; step++) {
    flow = advance(flow, edges, 20);
    for (const mark of flow.marks) seen.set(mark.id, mark.outcome);
  }
  const outcomes = [...seen.values()];
  expect(outcomes.length).toBeGreaterThanOrEqual(199);
  expect(outcomes.length).toBeLessThanOrEqual(201);
  expect(outcomes.filter((one) => one === 'failed').length / outcomes.length).toBeCloseTo(0.2, 1);
});

test('no more than sixty marks move, and the head can say what one stands for', () => {
  const edges = [edge('a', 'b', 150), edge('b', 'c', 150)];
  let flow = stillFlow;
  for (let step = 0; step < 600; step++) {
    flow = advance(flow, edges, 16);
    expect(flow.marks.length).toBeLessThanOrEqual(MARK_CAP);
  }
  expect(requestsPerMark(edges)).toBeGreaterThan(1);
  expect(requestsPerMark([edge('a', 'b', 2)])).toBe(1);
});

test('ten times the latency is one second more on the way', () => {
  expect(travelMs(999) - travelMs(99)).toBeCloseTo(1000, 0);
});

test('a failed mark dies where it was refused', () => {
  expect(deathAt({ flags: { NR: 1 } })).toBeLessThan(0.2);
  expect(deathAt({ flags: { UO: 1 } })).toBeGreaterThan(0.5);
  const flow = [...Array(400)].reduce(
    (now) => advance(now, [edge('a', 'b', 5, { errorShare: 1, flags: { UO: 3 } })], 16),
    stillFlow,
  );
  expect(Math.max(...flow.marks.map(({ share }: { share: number }) => share))).toBeLessThanOrEqual(0.84);
});

test('the map says itself in sentences, each workload once', () => {
  const [client] = sentencesOf(mesh);
  const gateway = client?.calls[0];
  expect(gateway?.text).toBe('ingress gateway: 40 requests a second, half within 24 ms, plaintext');
  const v3 = gateway?.calls[0]?.calls.find((one) => one.text.startsWith('reviews v3'));
  expect(v3?.text).toContain('37 % fail, its pool is full, mTLS');
  expect(edgeKey({ from: 'a', to: 'b' })).toBe('a→b');
});

test('an ejected workload says so, and by how many callers', () => {
  const nodes = [app('frontend'), { ...app('reviews'), ejected: { pods: 1, by: 2 } }];
  const said = JSON.stringify(sentencesOf(meshOf(nodes, [edge('frontend-v1', 'reviews-v1', 1)])));
  expect(said).toContain('ejected by 2 callers: it failed too often');
});

test('the summary names what is wrong first', () => {
  expect(summaryOf(mesh).map((line) => [line.kind, line.name])).toEqual([
    ['error', 'reviews v3'],
    ['slow', 'reviews v3 to ratings'],
    ['ok', 'All else'],
  ]);
});

function absent(service: string, version = ''): MeshNode {
  return { id: `${service}-${version}`, service, version, role: 'client', proxied: false, ready: true };
}

function meshOf(nodes: MeshNode[], edges: MeshEdge[]) {
  return { atMs: 0, windowMs: 10_000, nodes, edges };
}

test('requests that lead to no workload end at a siding beside their caller, and no line runs to a nameless place', () => {
  const nowhere = edge('frontend-v1', 'reviews-v9', 2, { errorShare: 1, mtls: false, flags: { NC: 20 } });
  const nameless = edge('frontend-v1', '-', 1, { errorShare: 1, mtls: false, flags: { NR: 10 } });
  const nodes = [app('frontend'), app('reviews'), absent('reviews', 'v9'), absent('')];
  const reached = reachedOf(meshOf(nodes, [nowhere, nameless, edge('frontend-v1', 'reviews-v1', 8)]));
  expect(reached.mesh.nodes.map((node) => node.id)).toEqual(['frontend-v1', 'reviews-v1']);
  expect(reached.mesh.edges.map((one) => one.to)).toEqual(['reviews-v1']);
  expect(reached.refused).toEqual([{ caller: 'frontend-v1', rps: 3, flags: { NC: 20, NR: 10 } }]);
  expect(JSON.stringify(sentencesOf(reached.mesh, reached.refused))).toContain('its own proxy refuses 3 requests');
});

test('pods that a route never led to are not said to fail; those of whom no host was healthy are still on their line', () => {
  const nodes = [app('frontend'), app('reviews'), app('reviews', 'v3')];
  const lost = edge('frontend-v1', 'reviews-v3', 2, { errorShare: 1, mtls: false, flags: { NC: 20 } });
  const dropped = reachedOf(meshOf(nodes, [lost]));
  expect(dropped.mesh.edges).toEqual([{ ...lost, rps: 0, errorShare: 0, flags: {} }]);
  expect(dropped.refused).toEqual([{ caller: 'frontend-v1', rps: 2, flags: { NC: 20 } }]);
  const unhealthy = edge('frontend-v1', 'reviews-v3', 2, { errorShare: 1, mtls: false, flags: { UH: 20 } });
  const kept = reachedOf(meshOf(nodes, [unhealthy]));
  expect(kept.mesh.edges).toEqual([unhealthy]);
  expect(loadOf('reviews-v3', kept.mesh.edges)).toBeUndefined();
});

test('a host outside the mesh that answered is an app without a proxy; a version whose pods are gone is not drawn', () => {
  const nodes = [app('frontend'), app('cart', 'v2'), absent('cart', 'v1'), absent('httpbin.org')];
  const edges = [edge('frontend-v1', 'httpbin.org-', 1), edge('frontend-v1', 'cart-v1', 1)];
  const { mesh: shown } = reachedOf(meshOf(nodes, edges));
  expect(shown.nodes.find((node) => node.service === 'httpbin.org')).toMatchObject({ role: 'app', proxied: false });
  expect(shown.nodes.some((node) => node.id === 'cart-v1')).toBe(false);
});
