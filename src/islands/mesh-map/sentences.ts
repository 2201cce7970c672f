import type { MeshEdge, MeshNode, MeshView } from '#contract';
import { formatMs, formatRate, formatShare } from '../parts/format.ts';
import { serviceTitle } from '../parts/titles.ts';
import type { Refused } from './refused.ts';

/** A service or version as a sentence, with what it calls beneath: the map for keyboard and screen reader. */
export interface Sentence {
  id: string;
  text: string;
  calls: Sentence[];
}

const FLAG_WORDS: Record<string, string> = {
  UO: 'its pool is full',
  UH: 'no healthy host',
  UF: 'the connection failed',
  UC: 'the connection broke',
  UT: 'it took too long',
  NR: 'no route',
  NC: 'its route leads to a cluster that is not there',
  DI: 'a delay fault',
  FI: 'an abort fault',
  RL: 'the rate limit refused',
  UAEX: 'authorization refused',
  URX: 'the retries ran out',
};

export function nameOf(node: MeshNode, versions: number): string {
  if (node.role === 'client' && node.service === 'unknown') return 'a caller without a proxy';
  return versions > 1 ? `${node.service} ${node.version}` : serviceTitle(node.service);
}

/** `5`, `2.5`, `fewer than 0.1`. */
function perSecond(rps: number): string {
  if (rps < 0.05) return 'no requests';
  const count = rps < 10 ? Number(rps.toFixed(1)) : Math.round(rps);
  return `${count} ${count === 1 ? 'request' : 'requests'} a second`;
}

/** What is wrong on an edge, in words; empty when nothing is. */
export function troubleOf(edge: MeshEdge): string[] {
  const words: string[] = [];
  const flags = Object.keys(edge.flags).flatMap((flag) => FLAG_WORDS[flag] ?? []);
  if (edge.errorShare > 0) words.push(`${formatShare(edge.errorShare)} fail`);
  if (edge.slowShare > 0) words.push(`${formatShare(edge.slowShare)} slow, p90 ${formatMs(edge.p90)}`);
  return [...words, ...flags];
}

/** The mesh as a tree of sentences, from those that nobody calls. Every workload is said once; a second mention is by name only. */
export function sentencesOf(mesh: MeshView, refused: readonly Refused[] = []): Sentence[] {
  const counts = new Map<string, number>();
  for (const node of mesh.nodes) counts.set(node.service, (counts.get(node.service) ?? 0) + 1);
  const name = (node: MeshNode): string => nameOf(node, counts.get(node.service) ?? 1);
  const said = new Set<string>();
  const say = (node: MeshNode, via: MeshEdge | undefined): Sentence => {
    const again = said.has(node.id);
    said.add(node.id);
    const calls = again ? [] : mesh.edges.filter((edge) => edge.from === node.id);
    return {
      id: via ? `${via.from} ${node.id}` : node.id,
      text: sentence(node, name(node), via),
      calls: [
        ...refused.filter((one) => !again && one.caller === node.id).map(refusedSentence),
        ...calls.flatMap((edge) => {
          const callee = mesh.nodes.find((one) => one.id === edge.to);
          return callee ? [say(callee, edge)] : [];
        }),
      ],
    };
  };
  const called = new Set(mesh.edges.map((edge) => edge.to));
  const roots = mesh.nodes.filter((node) => !called.has(node.id));
  const first = (roots.length > 0 ? roots : mesh.nodes.slice(0, 1)).map((node) => say(node, undefined));
  const rest = mesh.nodes.filter((node) => !said.has(node.id)).map((node) => say(node, undefined));
  return [...first, ...rest];
}

function refusedSentence(refused: Refused): Sentence {
  const why = Object.keys(refused.flags).flatMap((flag) => FLAG_WORDS[flag] ?? []);
  return {
    id: `${refused.caller} refused`,
    text: [`its own proxy refuses ${perSecond(refused.rps)}`, ...why].join(', '),
    calls: [],
  };
}

function sentence(node: MeshNode, name: string, via: MeshEdge | undefined): string {
  const state = node.ready ? [] : ['not ready'];
  const out = node.ejected
    ? [`ejected by ${node.ejected.by === 1 ? '1 caller' : `${node.ejected.by} callers`}: it failed too often`]
    : [];
  const bare = node.proxied || node.role === 'client' ? [] : ['no sidecar'];
  if (!via) return [name, ...bare, ...state, ...out].join(', ');
  const latency = via.rps >= 0.05 ? [`half within ${formatMs(via.p50)}`] : [];
  const lock = via.rps < 0.05 ? [] : [via.mtls ? 'mTLS' : 'plaintext'];
  const facts = [perSecond(via.rps), ...latency, ...troubleOf(via), ...lock, ...bare, ...state, ...out];
  return `${name}: ${facts.join(', ')}`;
}

/** Lines for the summary under the map on a phone: what is wrong first, then one line for all else. */
export function summaryOf(
  mesh: MeshView,
  refused: readonly Refused[] = [],
): { kind: 'error' | 'slow' | 'ok'; name: string; text: string }[] {
  const label = (id: string): string => {
    const node = mesh.nodes.find((one) => one.id === id);
    const versions = mesh.nodes.filter((one) => one.service === node?.service).length;
    return node ? nameOf(node, versions) : id;
  };
  const bad = mesh.edges
    .filter((edge) => edge.errorShare > 0.005)
    .map((edge) => ({ kind: 'error' as const, name: label(edge.to), text: troubleOf(edge).join(', ') }));
  const stopped = refused.map((one) => ({
    kind: 'error' as const,
    name: label(one.caller),
    text: `its proxy refuses ${formatRate(one.rps)}, ${Object.keys(one.flags).join(' ')}`,
  }));
  const slow = mesh.edges
    .filter((edge) => edge.errorShare <= 0.005 && edge.slowShare > 0.05)
    .map((edge) => ({
      kind: 'slow' as const,
      name: `${label(edge.from)} to ${label(edge.to)}`,
      text: troubleOf(edge).join(', '),
    }));
  const active = mesh.edges.some((edge) => edge.rps >= 0.05);
  const rest = bad.length + stopped.length + slow.length > 0 ? 'All else' : 'All';
  const calm = { kind: 'ok' as const, name: rest, text: active ? 'answered in time' : 'no traffic now' };
  return [...stopped, ...bad, ...slow, ...(active || refused.length === 0 ? [calm] : [])];
}
