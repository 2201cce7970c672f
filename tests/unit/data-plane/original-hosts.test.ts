import { beforeEach, describe, expect, it } from 'vitest';
import type { HostPool } from '../../../server/data-plane/http/codec.ts';
import type { Host } from '../../../server/data-plane/upstream/host.ts';
import { OriginalHosts } from '../../../server/data-plane/upstream/original-hosts.ts';
import { createFakeClock, type FakeClock } from './fake-clock.ts';

let clock: FakeClock;
let hosts: Map<string, Host>;
let told: string[];

const originals = (cleanupMs = 5000): OriginalHosts =>
  new OriginalHosts({
    hosts,
    clock,
    cleanupMs,
    added: ({ key }) => void told.push(`+${key}`),
    removed: (gone) => {
      for (const { key } of gone) hosts.delete(key);
      told.push(`-${gone.map(({ key }) => key).join()}`);
    },
  });
const at = (last: number) => ({ ip: `10.0.0.${last}`, port: 80 });
const keys = (): number[] => [...hosts.keys()].map((key) => Number(key.split(/[.:]/)[3]));

beforeEach(() => {
  clock = createFakeClock();
  hosts = new Map();
  told = [];
});

describe('hosts that connections were made to', () => {
  it('are forgotten when nobody has asked for them between one look and the next', () => {
    const made = originals();
    clock.advance(4000);
    made.at(at(1));
    made.at(at(2));
    clock.advance(1000);
    expect(keys()).toEqual([1, 2]);
    made.at(at(1));
    clock.advance(5000);
    expect(keys()).toEqual([1]);
    clock.advance(5000);
    expect(told).toEqual(['+10.0.0.1:80', '+10.0.0.2:80', '-10.0.0.2:80', '-10.0.0.1:80']);
    made.at(at(1));
    expect(keys()).toEqual([1]);
  });

  it('stay as long as they have a connection, or somebody waits for one', () => {
    const made = originals();
    const used = made.at(at(1));
    const pool = { activeConnections: 0, pendingStreams: 1 };
    used.pools.DEFAULT = pool as HostPool;
    made.at(at(2)).activeRequests++;
    clock.advance(20_000);
    expect(keys()).toEqual([1, 2]);
    Object.assign(pool, { activeConnections: 1, pendingStreams: 0 });
    clock.advance(20_000);
    expect(keys()).toEqual([1, 2]);
    Object.assign(pool, { activeConnections: 0 });
    clock.advance(5000);
    expect(keys()).toEqual([2]);
  });

  it('stay where they are never looked through, and when the cluster goes', () => {
    originals(9_223_372_035_000).at(at(1));
    const stopped = originals();
    stopped.at(at(2));
    stopped.stop();
    clock.advance(1_000_000);
    expect(keys()).toEqual([1, 2]);
  });

  it('are 256 at once: of more the one that was asked for longest ago goes', () => {
    const made = originals();
    for (let last = 0; last < 256; last++) made.at({ ip: '10.0.0.1', port: 1000 + last });
    made.at({ ip: '10.0.0.1', port: 1000 });
    made.at({ ip: '10.0.0.1', port: 2000 });
    expect([hosts.size, told.at(-1)]).toEqual([256, '-10.0.0.1:1001']);
  });
});
