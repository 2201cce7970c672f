import { createServer } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'vitest';
import { seededRandom } from '#domain';
import { leaseSubnet } from '#sandbox/subnets';
import { type AdsVariant, typeUrls } from '#xds';
import { waitFor } from '../wait.ts';
import { type Side, startEnvoySide, startOurSide, statusAt } from './both-sides.ts';
import { byName, listener, table } from './resources.ts';

const { cluster: CDS, listener: LDS, route: RDS } = typeUrls;
const APP_PORT = 9999;
const LIMIT_MS = 10_000;

/** Where both serve what is in force from the start. */
export const BASE = 8080;

/** Our proxy and a real Envoy before one host, each with a control plane of its own. What was in force from the start is asked for all the time. */
export interface WatchedSides {
  readonly all: readonly Side[];
  /** Requests that were not answered with 200, each as `<side>: <what came>`. */
  readonly broken: readonly string[];
  /** Does the same with both and expects the same of both. */
  both<Seen>(look: (side: Side) => Promise<Seen>): Promise<Seen>;
  /** An assignment with the one host. */
  hosts(cluster: string): object;
  stop(): Promise<void>;
}

export async function startWatchedSides(name: string, variant: AdsVariant): Promise<WatchedSides> {
  const lease = await leaseSubnet(seededRandom(`${name}/${process.pid}`));
  const host = `127.${lease.subnet}.2.1`;
  const app = createServer((_request, response) => response.end('hello')).listen(APP_PORT, host);
  const hosts = (cluster_name: string): object => {
    const address = { socket_address: { address: host, port_value: APP_PORT } };
    return { cluster_name, endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }] };
  };
  const first = (ip: string) => ({
    [CDS]: [{ json: { name: 'one', type: 'STATIC', connect_timeout: '1s', load_assignment: hosts('one') } }],
    [LDS]: [{ json: listener(ip, 'base', BASE, byName('base')) }],
    [RDS]: [{ json: table('base', 'one') }],
  });
  const side = (number: number) => ({ ip: `127.${lease.subnet}.1.${number}`, variant, first });
  const all = await Promise.all([startEnvoySide(side(1)), startOurSide(side(2))]);
  for (const { ip } of all)
    await waitFor('the first answer', LIMIT_MS, async () => (await statusAt(ip, BASE)) === '200' || undefined);
  for (const { plane } of all) plane.onFirst = () => undefined;
  const watching = new AbortController();
  const broken: string[] = [];
  const watchers = all.map((each) => watch(each, watching.signal, broken));
  return {
    all,
    broken,
    hosts,
    async both(look) {
      const [envoy, ours] = [await look(all[0]!), await look(all[1]!)];
      expect(ours).toEqual(envoy);
      return envoy;
    },
    async stop() {
      watching.abort();
      await Promise.all(watchers);
      for (const each of all) await each.stop();
      app.close();
      await lease.release();
    },
  };
}

async function watch({ name, ip }: Side, until: AbortSignal, broken: string[]): Promise<void> {
  while (!until.aborted) {
    const status = await statusAt(ip, BASE);
    if (status !== '200') broken.push(`${name}: ${status}`);
    await pause(10);
  }
}
