import { setTimeout as pause } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '#domain';
import { type AdsVariant, type TypeUrl, typeUrls } from '#xds';
import { createTestCa } from '../unit/data-plane-tls/certificates.ts';
import { heldResources, stat } from './support/config-dump.ts';
import { type Side, statusAt } from './support/control-plane/both-sides.ts';
import { inline, listener, secured, table } from './support/control-plane/resources.ts';
import { BASE, startWatchedSides, type WatchedSides } from './support/control-plane/watched-sides.ts';
import { waitFor } from './support/wait.ts';

const { cluster: CDS, listener: LDS, route: RDS, secret: SDS } = typeUrls;
const LIMIT_MS = 10_000;
/** How often the control plane comes and goes, and for how long each time. */
const FLAPS = 30;
const FLAP_MS = 50;

const variants: readonly AdsVariant[] = ['delta', 'state of the world'];

describe.each(variants)('in a storm of its control plane, by %s, our proxy and a real Envoy', (variant) => {
  let watched: WatchedSides;
  const both: WatchedSides['both'] = (look) => watched.both(look);
  const active = async ({ admin }: Side) => heldResources(await admin('/config_dump?include_eds')).active;

  beforeAll(async () => {
    watched = await startWatchedSides('storms', variant);
  });
  afterAll(() => watched?.stop());

  it('refuse the same of random bytes, and none of them changes anything', async () => {
    const random = seededRandom('garbage');
    const bytes = (): Buffer => Buffer.from(Array.from({ length: 1 + random.next() * 60 }, () => random.next() * 256));
    const garbage = ([CDS, LDS, RDS] as const).flatMap((typeUrl) =>
      Array.from({ length: 15 }, () => [typeUrl, bytes()] as const),
    );
    const before = await both(active);
    await both(async ({ plane }) => {
      const refused: string[] = [];
      for (const [typeUrl, each] of garbage) {
        const name = typeUrl === RDS ? 'base' : 'x';
        // Of tables, bytes that are a message without a name are nobody's.
        const said = await plane.push(typeUrl, [{ name, bytes: each }]);
        refused.push(`${each.toString('hex')}: ${said === '' ? 'taken' : 'refused'}`);
      }
      return refused;
    });
    expect(await both(active)).toEqual(before);
  });

  it('refuse every resource in an envelope of another type', async () => {
    const types: readonly TypeUrl[] = [CDS, LDS, RDS, SDS];
    const seen = await both(async ({ plane }) => {
      const said: boolean[] = [];
      for (const typeUrl of types.slice(0, 3))
        for (const wrong of types.filter((other) => other !== typeUrl))
          said.push(
            (await plane.push(typeUrl, [{ name: 'x', typeUrl: wrong, bytes: Buffer.from([0x0a, 1, 0x78]) }])) !== '',
          );
      return said;
    });
    expect(new Set(seen)).toEqual(new Set([true]));
  });

  it('take a table of five megabytes and route by its last line', async () => {
    const routes = Array.from({ length: 20_000 }, (_, i) => ({
      match: { path: `/${'x'.repeat(200)}${i}` },
      direct_response: { status: 404 },
    }));
    const last = { match: { prefix: '/' }, route: { cluster: 'one' } };
    const large = { name: 'base', virtual_hosts: [{ name: 'all', domains: ['*'], routes: [...routes, last] }] };
    const seen = await both(async ({ plane, ip }) => [
      await plane.push(RDS, [{ json: large }]),
      await statusAt(ip, BASE),
      await plane.push(RDS, [{ json: table('base', 'one') }]),
    ]);
    expect(seen).toEqual(['', '200', '']);
  });

  it('serve a certificate that is out of date when it comes, and tell so', async () => {
    const ca = await createTestCa();
    const past = await ca.issue({
      dns: ['shop.example'],
      notAfterMs: Date.now() - 1000,
    });
    const seen = await both(async (side) => {
      const { plane, ip, admin } = side;
      const opened = plane.push(LDS, [{ json: listener(ip, 'tls', 8443, inline, secured('shop')) }]);
      await waitFor('a request for the secret', LIMIT_MS, () =>
        plane.requests.some(({ names }) => names.includes('shop')) ? true : undefined,
      );
      const tls_certificate = {
        certificate_chain: { inline_string: past.chainPem },
        private_key: { inline_string: past.keyPem },
      };
      const said = await plane.push(SDS, [{ json: { name: 'shop', tls_certificate } }]);
      await opened;
      const why = await waitFor('a handshake', LIMIT_MS, async () => {
        const told = await verdictAt(ip, ca.rootsPem);
        return told === 'ECONNREFUSED' || told === 'ECONNRESET' ? undefined : told;
      });
      const { certificates } = JSON.parse(await admin('/certs')) as {
        certificates: { cert_chain: { days_until_expiration: string }[] }[];
      };
      const days = certificates.flatMap(({ cert_chain }) => cert_chain.map((each) => each.days_until_expiration));
      return [said, why, days.includes('0')];
    });
    expect(seen).toEqual(['', 'CERT_HAS_EXPIRED', true]);
  });

  it(`lose nothing while it comes and goes every ${FLAP_MS} ms, and leave no connection behind`, async () => {
    const sockets = (): number =>
      process.getActiveResourcesInfo().filter((kind) => kind.startsWith('TCPSocket')).length;
    const before = sockets();
    const heard = new Map<Side, number>();
    for (let flap = 0; flap < FLAPS; flap++) {
      for (const side of watched.all) {
        side.plane.vanish();
        heard.set(side, side.plane.requests.length);
      }
      await pause(FLAP_MS);
      await Promise.all(watched.all.map(({ plane }) => plane.listen()));
      await pause(FLAP_MS);
    }
    const seen = await both(async (side) => {
      const { plane, ip, admin } = side;
      await waitFor('its own word', 40_000, async () =>
        stat(await admin('/stats?filter=control_plane.connected_state'), 'control_plane.connected_state') === 1
          ? true
          : undefined,
      );
      await waitFor('its requests', LIMIT_MS, () =>
        plane.requests.slice(heard.get(side)).some(({ typeUrl }) => typeUrl === RDS) ? true : undefined,
      );
      const said = await plane.push(RDS, [{ json: table('base', 'one') }]);
      return [said, await statusAt(ip, BASE)];
    });
    expect(seen).toEqual(['', '200']);
    await waitFor('closed sockets', LIMIT_MS, () => (sockets() <= before + 4 ? true : undefined));
  }, 90_000);

  it('have answered every request meanwhile', () => {
    expect(watched.broken).toEqual([]);
  });
});

/** What a client that believes `ca` says to the certificate. */
const verdictAt = (ip: string, ca: string): Promise<string> =>
  new Promise((resolve) => {
    const options = { host: ip, port: 8443, localAddress: ip, ca, servername: 'shop.example' };
    const socket = connectTls(options as never, () => {
      resolve('believed');
      socket.destroy();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
