import { createCertificateAuthority, createTokenIssuer } from '#ca';
import { createKeyAndRequest } from '../../server/data-plane/agent/csr.ts';
import { systemClock } from '../../server/system.ts';
import { podOf, secretOf, startLoad, startPair } from '../mesh/identity-mesh.ts';
import { median } from './statistics.ts';

export interface IdentityReport {
  readonly certificates: number;
  /** For all of them, in the CA: token, CSR, signature; median of the rounds. */
  readonly issueMs: number;
  /** Of the processor, which other programs do not lengthen. */
  readonly issueCpuMs: number;
  /** The same with what each agent does: key and CSR. */
  readonly withAgentMs: number;
  readonly rotation: {
    readonly perSecond: number;
    readonly requests: number;
    readonly failures: number;
    /** Certificates that each of the two proxies had one after the other, the first left out. */
    readonly rotations: number;
  };
}

const ROUNDS = 3;
const ROTATIONS = 3;
const LOAD_PER_SECOND = 500;
const CERTIFICATE_LIFE = '4s';
const LIMIT_MS = 60_000;

/** What identity costs: certificates from an empty start, and their rotation under load. */
export async function measureIdentity(certificates: number): Promise<IdentityReport> {
  const rounds: ReturnType<typeof issue>[] = [];
  for (let i = 0; i < ROUNDS; i++) rounds.push(issue(certificates));
  return {
    certificates,
    issueMs: median(rounds.map(({ issueMs }) => issueMs)),
    issueCpuMs: median(rounds.map(({ issueCpuMs }) => issueCpuMs)),
    withAgentMs: median(rounds.map(({ issueMs, agentMs }) => issueMs + agentMs)),
    rotation: await rotate(),
  };
}

function issue(count: number): { issueMs: number; issueCpuMs: number; agentMs: number } {
  const clock = systemClock();
  const tokens = createTokenIssuer({ clock });
  const authority = createCertificateAuthority({ trustDomain: 'cluster.local', clock, tokens });
  const accounts = Array.from({ length: count }, (_, i) => `account-${i}`);
  const bearers = accounts.map((serviceAccount) =>
    tokens.mint({ namespace: 'default', serviceAccount, pod: serviceAccount }),
  );
  const began = performance.now();
  const requests = accounts.map((account) => createKeyAndRequest(`spiffe://cluster.local/ns/default/sa/${account}`));
  const asked = performance.now();
  const cpu = process.cpuUsage();
  for (const [i, { csrPem }] of requests.entries()) authority.sign(csrPem, bearers[i]!);
  const issueMs = performance.now() - asked;
  const { user, system } = process.cpuUsage(cpu);
  return { agentMs: asked - began, issueMs, issueCpuMs: (user + system) / 1000 };
}

async function rotate(): Promise<IdentityReport['rotation']> {
  const { sandbox, stop } = await startPair(CERTIFICATE_LIFE);
  const seen = new Map(['cart', 'inventory'].map((app) => [app, new Set<string>()]));
  const load = startLoad(sandbox, LOAD_PER_SECOND);
  const rotated = (): boolean =>
    [...seen].every(
      ([app, serials]) => serials.add(secretOf(podOf(sandbox, app), 'default')?.serialNumber ?? '').size > ROTATIONS,
    );
  await sandbox.until(rotated, LIMIT_MS, 'the certificates have been replaced three times');
  const { sent, seconds, failures } = await load.stop();
  await stop();
  const rotations = Math.min(...[...seen.values()].map(({ size }) => size - 1));
  return { perSecond: sent / seconds, requests: sent, failures: failures.length, rotations };
}
