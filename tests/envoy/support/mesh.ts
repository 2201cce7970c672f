import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PushSummary } from '#control-plane';
import { seededRandom } from '#domain';
import { createSandbox, type ManifestFile, type Sandbox, type SandboxEvent, type SandboxOptions } from '#sandbox';
import { leaseSubnet } from '#sandbox/subnets';
import type { PushEvent } from '#xds';
import { systemClock } from '../../../server/system.ts';

const root = join(import.meta.dirname, '../../..');

/** Every manifest of a folder, in the order of their names. */
export function manifests(folder: string): ManifestFile[] {
  return readdirSync(join(root, folder))
    .filter((file) => file.endsWith('.yaml'))
    .sort()
    .map((file) => ({ file, text: readFileSync(join(root, folder, file), 'utf8') }));
}

export const bookinfo = manifests('labs/bookinfo/topology');
export const echo = manifests('tests/envoy/topology');

/** A mesh on a subnet of its own, with everything it said. */
export interface OracleMesh {
  readonly sandbox: Sandbox;
  readonly subnet: number;
  readonly events: readonly SandboxEvent[];
  pushesTo(nodeId: string): readonly PushEvent[];
  /** What came of a change once every proxy has answered; the sandbox's own method waits for its own pods only. */
  settled(changeId: string): Promise<PushSummary | undefined>;
  /** Applies and waits until every proxy, the real Envoy among them, has answered; fails when one refuses. */
  apply(...files: readonly ManifestFile[]): Promise<void>;
  /** As `apply`, but only this node's refusal counts: a real Envoy can do more than our proxies. */
  applyFor(nodeId: string, ...files: readonly ManifestFile[]): Promise<void>;
  stop(): Promise<void>;
}

const SETTLE_MS = 5000;

export const startOracleMesh = (...topology: readonly ManifestFile[]): Promise<OracleMesh> =>
  startMeshWith({}, ...topology);

export async function startMeshWith(
  options: Pick<SandboxOptions, 'proxyFor'>,
  ...topology: readonly ManifestFile[]
): Promise<OracleMesh> {
  const lease = await leaseSubnet(seededRandom(`envoy/${process.pid}/${performance.now()}`));
  const events: SandboxEvent[] = [];
  const { subnet } = lease;
  const onEvent = (event: SandboxEvent): number => events.push(event);
  const sandbox = createSandbox({ ...options, subnet, seed: 'envoy', clock: systemClock(), onEvent });
  const stop = async (): Promise<void> => {
    await sandbox.stop();
    await lease.release();
  };
  try {
    await sandbox.start(topology, { ingress: false });
  } catch (cause) {
    await stop();
    throw cause;
  }
  const pushesTo = (nodeId: string): PushEvent[] =>
    events.flatMap((event) => (event.type === 'push' && event.push.nodeId === nodeId ? [event.push] : []));
  const settled: OracleMesh['settled'] = async (changeId) => sandbox.controlPlane?.settled(changeId, SETTLE_MS);
  const applyWhere = async (counts: (nodeId: string) => boolean, files: readonly ManifestFile[]): Promise<void> => {
    const outcome = await sandbox.apply(files, { namespace: 'default' });
    if (!outcome.accepted) throw new Error(JSON.stringify(outcome.diagnostics, null, 1));
    // What is unchanged reaches nobody, so nobody answers.
    if (outcome.objects.every((object) => object.outcome === 'unchanged')) return;
    const summary = await settled(outcome.changeId);
    const refused = summary?.proxies.filter(({ nodeId, error }) => error !== undefined && counts(nodeId)) ?? [];
    const late = summary?.proxies.filter(({ error, settledMs }) => error === undefined && settledMs === undefined);
    if (late === undefined || late.length + refused.length > 0) {
      throw new Error(`not settled: ${JSON.stringify([...refused, ...(late ?? [])])}`);
    }
  };
  const apply: OracleMesh['apply'] = (...files) => applyWhere(() => true, files);
  const applyFor: OracleMesh['applyFor'] = (id, ...files) => applyWhere((nodeId) => nodeId === id, files);
  return { sandbox, subnet, events, pushesTo, settled, apply, applyFor, stop };
}
