import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeResource, type RouteConfiguration, type TypeUrl, typeUrls, type XdsSnapshot } from '#xds';
import { type AdsStream, createAdsStream } from '../../../server/xds/server/stream.ts';
import { delta } from '../../../server/xds/server/variants.ts';
import {
  type DeltaDiscoveryResponse,
  deltaDiscoveryRequest,
  deltaDiscoveryResponse,
} from '../../../server/xds/wire/discovery.ts';
import { cluster, endpoints, node, routes, snapshot } from './ads-fixture.ts';

const { cluster: CDS, endpoint: EDS, route: RDS } = typeUrls;
const tables = ['80', '9080'];

/** A proxy reduced to its bookkeeping: it reads responses one by one, later than they are sent. */
class SlowProxy {
  readonly held = new Map<TypeUrl, Map<string, string>>([CDS, EDS, RDS].map((typeUrl) => [typeUrl, new Map()]));
  readonly targets = new Map<string, string>();
  refused = false;
  #wantedEndpoints: string[] = [];
  #inbox: DeltaDiscoveryResponse[] = [];
  #stream!: AdsStream;

  connect(current: XdsSnapshot): void {
    this.#inbox = [];
    let nonces = 0;
    this.#stream = createAdsStream({
      variant: delta,
      nextNonce: () => String(++nonces),
      nowMs: () => 0,
      write: (bytes) => this.#inbox.push(deltaDiscoveryResponse.read(bytes)),
      onPush: () => undefined,
      onNode: () => this.#stream.setSnapshot(current),
    });
    this.#open(CDS, ['*']);
    this.#wantedEndpoints = [...this.#of(CDS).keys()];
    if (this.#wantedEndpoints.length > 0) this.#open(EDS, this.#wantedEndpoints);
    this.#open(RDS, tables);
  }

  receive(current: XdsSnapshot): void {
    this.#stream.setSnapshot(current);
  }

  /** Reads the oldest response; false when there is none. */
  readOne(answer: 'accept' | 'refuse routes' = 'accept'): boolean {
    const response = this.#inbox.shift();
    if (!response) return false;
    const typeUrl = response.typeUrl as TypeUrl;
    if (typeUrl === RDS && answer === 'refuse routes') {
      this.refused = true;
      this.#send({ typeUrl, responseNonce: response.nonce, errorDetail: { code: 3, message: 'no' } });
      return true;
    }
    for (const { name, version, resource } of response.resources) {
      // Sent before the server heard that the name is no longer wanted.
      if (typeUrl === EDS && !this.#wantedEndpoints.includes(name)) continue;
      this.#of(typeUrl).set(name, version);
      if (typeUrl === RDS && resource) this.targets.set(name, targetOf(resource.value));
    }
    for (const name of response.removedResources) this.#of(typeUrl).delete(name);
    if (typeUrl === CDS) this.#followClusters();
    this.#send({ typeUrl, responseNonce: response.nonce });
    return true;
  }

  versions(typeUrl: TypeUrl): Record<string, string> {
    return Object.fromEntries([...this.#of(typeUrl)].sort());
  }

  idle(): boolean {
    return this.#stream.isIdle();
  }

  #followClusters(): void {
    const wanted = [...this.#of(CDS).keys()];
    const added = wanted.filter((name) => !this.#wantedEndpoints.includes(name));
    const dropped = this.#wantedEndpoints.filter((name) => !wanted.includes(name));
    for (const name of dropped) this.#of(EDS).delete(name);
    this.#wantedEndpoints = wanted;
    if (added.length + dropped.length === 0) return;
    this.#send({ typeUrl: EDS, resourceNamesSubscribe: added, resourceNamesUnsubscribe: dropped });
  }

  #open(typeUrl: TypeUrl, names: string[]): void {
    const initialResourceVersions = Object.fromEntries(this.#of(typeUrl));
    this.#send({ node: node('n1'), typeUrl, resourceNamesSubscribe: names, initialResourceVersions });
  }

  #send(request: Parameters<typeof deltaDiscoveryRequest.write>[0]): void {
    this.#stream.receive(deltaDiscoveryRequest.write(request));
  }

  #of(typeUrl: TypeUrl): Map<string, string> {
    return this.held.get(typeUrl) ?? new Map();
  }
}

function targetOf(value: Uint8Array): string {
  const table: RouteConfiguration = decodeResource({ typeUrl: RDS, value }).json;
  return table.virtual_hosts?.[0]?.routes?.[0]?.route?.cluster ?? '';
}

interface Mesh {
  readonly names: readonly string[];
  readonly timeoutS: number;
  readonly port: number;
  readonly picks: readonly number[];
}

/** A consistent configuration: its routes lead only to clusters it has. */
function snapshotOf({ names, timeoutS, port, picks }: Mesh, versionInfo: string): XdsSnapshot {
  return snapshot(versionInfo, [
    ...names.map((name) => cluster(name, `${timeoutS}s`)),
    ...names.map((name) => endpoints(name, port)),
    ...tables.map((table, index) => routes(table, names[(picks[index] ?? 0) % names.length])),
  ]);
}

const versionsOf = (current: XdsSnapshot, typeUrl: TypeUrl): Record<string, string> =>
  Object.fromEntries([...(current.resources.get(typeUrl) ?? [])].map(([name, { version }]) => [name, version]).sort());

const mesh = fc.record({
  names: fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { minLength: 1, maxLength: 5 }),
  timeoutS: fc.integer({ min: 1, max: 2 }),
  port: fc.integer({ min: 1, max: 3 }),
  picks: fc.tuple(fc.nat(4), fc.nat(4)),
});
const step = fc.oneof(
  { weight: 3, arbitrary: mesh },
  { weight: 6, arbitrary: fc.constant('read' as const) },
  { weight: 1, arbitrary: fc.constant('refuse' as const) },
  { weight: 1, arbitrary: fc.constant('reconnect' as const) },
);

describe('a delta stream under any order of pushes, answers, refusals and reconnects', () => {
  it('ends with exactly the newest configuration and never routes to a cluster that the proxy lacks or still warms', () => {
    fc.assert(
      fc.property(mesh, fc.array(step, { maxLength: 40 }), (initial, steps) => {
        let current = snapshotOf(initial, '0');
        const proxy = new SlowProxy();
        const targetsExist = (): void => {
          const clusters = proxy.versions(CDS);
          const warm = proxy.versions(EDS);
          for (const target of proxy.targets.values()) {
            expect(clusters).toHaveProperty(target);
            expect(warm).toHaveProperty(target);
          }
        };
        proxy.connect(current);
        steps.forEach((action, index) => {
          if (action === 'read') proxy.readOne();
          else if (action === 'refuse') proxy.readOne('refuse routes');
          else if (action === 'reconnect') proxy.connect(current);
          else {
            current = snapshotOf(action, String(index + 1));
            proxy.receive(current);
          }
          targetsExist();
        });
        while (proxy.readOne()) targetsExist();
        // A refused version is not sent again on the same stream.
        if (proxy.refused) proxy.connect(current);
        while (proxy.readOne()) targetsExist();
        expect(proxy.idle()).toBe(true);
        for (const typeUrl of [CDS, EDS, RDS]) expect(proxy.versions(typeUrl)).toEqual(versionsOf(current, typeUrl));
      }),
      { numRuns: 200 },
    );
  });
});
