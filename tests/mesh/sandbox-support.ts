import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { seededRandom } from '#domain';
import { createSandbox, type ManifestFile, type Sandbox, type SandboxEvent } from '#sandbox';
import type { KeyHost } from '#sandbox/key-host';
import { leaseSubnet } from '#sandbox/subnets';
import { systemClock } from '../../server/system.ts';

const labs = join(import.meta.dirname, '../../labs');

/** The manifests of a lab's topology. */
export function topology(lab: string): ManifestFile[] {
  const folder = join(labs, lab, 'topology');
  return readdirSync(folder)
    .sort()
    .map((file) => ({ file, text: readFileSync(join(folder, file), 'utf8') }));
}

/** One file of the Bookinfo lab's start folder. */
export const rule = (name: string): ManifestFile => ({
  file: `${name}.yaml`,
  text: readFileSync(join(labs, 'bookinfo/samples/bookinfo/networking', `${name}.yaml`), 'utf8'),
});

export interface RunningMesh {
  readonly sandbox: Sandbox;
  readonly events: SandboxEvent[];
  stop(): Promise<void>;
}

/** Starts a mesh on addresses of its own, whoever else runs one on this machine. */
export async function startMesh(
  files: readonly ManifestFile[],
  ingress = true,
  { keyHosts = [], meshConfig }: { readonly keyHosts?: readonly KeyHost[]; readonly meshConfig?: string } = {},
): Promise<RunningMesh> {
  const events: SandboxEvent[] = [];
  const lease = await leaseSubnet(seededRandom(`${process.pid}/${performance.now()}`));
  const sandbox = createSandbox({
    subnet: lease.subnet,
    keyHosts,
    seed: 'test',
    clock: systemClock(),
    onEvent: (event) => events.push(event),
  });
  await sandbox.start(files, { ingress, ...(meshConfig !== undefined && { meshConfig }) });
  const stop = async (): Promise<void> => {
    await sandbox.stop();
    await lease.release();
  };
  return { sandbox, events, stop };
}

/** Applies and waits until every proxy has it. */
export async function applyAndSettle(sandbox: Sandbox, ...files: ManifestFile[]): Promise<void> {
  const outcome = await sandbox.apply(files, { namespace: 'default' });
  if (!outcome.accepted) throw new Error(JSON.stringify(outcome.diagnostics));
  await sandbox.settled(outcome.changeId, 5000);
}

export const urlOf = (sandbox: Sandbox, path: string): string =>
  `http://${sandbox.ingress?.ip}:${sandbox.ingress?.port}${path}`;

/** The page once, as text, with its status. */
export async function page(
  sandbox: Sandbox,
  headers: Record<string, string> = {},
): Promise<{ status: number; html: string }> {
  const response = await sandbox.fetchFromOutside(urlOf(sandbox, '/productpage'), { headers, timeoutMs: 15_000 });
  return { status: response.status, html: response.body.toString('utf8') };
}

/** Which version of reviews stands behind a page. */
export const versionOf = (html: string): string => /Reviews served by: reviews-(v\d)/.exec(html)?.[1] ?? 'none';

/** How often each version answered in `count` requests, eight at a time. */
export async function distribution(sandbox: Sandbox, count: number): Promise<Record<string, number>> {
  const seen: Record<string, number> = {};
  let left = count;
  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      const { html } = await page(sandbox);
      const version = versionOf(html);
      seen[version] = (seen[version] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  return seen;
}

/** Signs a user in and gives the Cookie header. */
export async function signIn(sandbox: Sandbox, user: string): Promise<string> {
  const response = await sandbox.fetchFromOutside(urlOf(sandbox, '/login'), {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: `username=${user}`,
  });
  return (response.headers['set-cookie'] ?? '').split(';')[0] ?? '';
}
