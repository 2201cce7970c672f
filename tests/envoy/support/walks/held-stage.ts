import { seededRandom } from '#domain';
import { leaseSubnet } from '#sandbox/subnets';
import type { PairCase } from '../pairs/case-file.ts';
import { type HoldingHost, startHoldingHost } from './holding-host.ts';
import { startWalkedEnvoy, startWalkedProxy, type WalkedProxy } from './walked-proxies.ts';

/** An Envoy and a proxy of ours with the same cases, before hosts that hold their answers back. */
export interface HeldStage {
  readonly hosts: readonly HoldingHost[];
  readonly sides: readonly [envoy: WalkedProxy, ours: WalkedProxy];
  stop(): Promise<void>;
}

/** `protocols`: what each host speaks, by the name that cases give it. `label` tells the walks apart that run at the same time. */
export async function startHeldStage(
  label: string,
  cases: readonly PairCase[],
  protocols: Readonly<Record<string, 'h1' | 'h2'>>,
): Promise<HeldStage> {
  const lease = await leaseSubnet(seededRandom(`${label}/${process.pid}/${performance.now()}`));
  const net = `127.${lease.subnet}`;
  const named = new Map<string, HoldingHost>();
  for (const [name, protocol] of Object.entries(protocols))
    named.set(name, await startHoldingHost(`${net}.2.${named.size + 1}`, protocol));
  const hosts = [...named.values()];
  const given = { cases, hosts: (name: string) => named.get(name)!.at };
  const sides = [
    await startWalkedEnvoy({ ...given, ip: `${net}.1.1` }),
    await startWalkedProxy({ ...given, ip: `${net}.1.2` }),
  ] as const;
  return {
    hosts,
    sides,
    async stop() {
      await Promise.all([...sides, ...hosts].map((one) => one.stop()));
      await lease.release();
    },
  };
}
