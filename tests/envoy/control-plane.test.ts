import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AdsVariant, typeUrls } from '#xds';
import { createTestCa, type TestCertificate } from '../unit/data-plane-tls/certificates.ts';
import { heldResources, stat } from './support/config-dump.ts';
import { type Side, statusAt } from './support/control-plane/both-sides.ts';
import type { PlaneRequest, Sent } from './support/control-plane/management-server.ts';
import { byName, direct, eds, inline, listener, secured, table } from './support/control-plane/resources.ts';
import { BASE, startWatchedSides, type WatchedSides } from './support/control-plane/watched-sides.ts';
import { waitFor } from './support/wait.ts';

const { cluster: CDS, endpoint: EDS, listener: LDS, route: RDS, secret: SDS } = typeUrls;
const LIMIT_MS = 5000;

/** What a proxy says that it has: names, or a version. Of a response that was refused in part, Envoy forgets what it took. */
const heldOf = ({ held }: PlaneRequest): readonly string[] | string =>
  typeof held === 'string'
    ? held
    : Object.keys(held)
        .filter((name) => name !== 'fine')
        .sort();
/** All that was said of each type, one after the other. */
const transcript = (requests: readonly PlaneRequest[]) =>
  Object.groupBy(
    requests.map((request) => ({
      typeUrl: request.typeUrl,
      names: request.names.toSorted(),
      held: heldOf(request),
      responseNonce: request.responseNonce,
      code: request.errorDetail?.code,
    })),
    ({ typeUrl }) => typeUrl,
  );
const variants: readonly AdsVariant[] = ['delta', 'state of the world'];

describe.each(variants)('under a control plane that does wrong by %s, our proxy and a real Envoy', (variant) => {
  let watched: WatchedSides;
  let certificate: TestCertificate;
  const both: WatchedSides['both'] = (look) => watched.both(look);

  beforeAll(async () => {
    certificate = await (await createTestCa()).issue({ dns: ['shop.example'] });
    watched = await startWatchedSides('control-plane', variant);
  });
  afterAll(() => watched?.stop());

  const held = async ({ admin }: Side) => heldResources(await admin('/config_dump?include_eds'));
  const figure = async ({ admin }: Side, name: string): Promise<number> =>
    stat(await admin(`/stats?filter=${name}`), name);
  const handshake = ({ ip }: Side, port: number): Promise<string> =>
    new Promise((resolve) => {
      const socket = connectTls({ host: ip, port, localAddress: ip, rejectUnauthorized: false } as never, () => {
        resolve('secured');
        socket.destroy();
      });
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    });

  const wrong: readonly [string, typeof CDS | typeof LDS | typeof RDS, (ip: string) => readonly Sent[]][] = [
    ['bytes that are no cluster', CDS, () => [{ name: 'x', bytes: Buffer.from([255, 255, 255]) }]],
    ['nothing at all', CDS, () => [{ name: 'x', bytes: Buffer.alloc(0) }]],
    ['a message of another type', CDS, () => [{ name: 'x', typeUrl: RDS, json: table('x', 'one') }]],
    ['an address that another listener has', LDS, (ip) => [{ json: listener(ip, 'other', BASE, inline) }]],
    ['a port where the admin pages are', LDS, (ip) => [{ json: listener(ip, 'other', 15000, inline) }]],
    [
      'a table with one domain twice',
      RDS,
      () => [
        {
          json: {
            name: 'base',
            virtual_hosts: [
              { name: 'a', domains: ['*'] },
              { name: 'b', domains: ['*'] },
            ],
          },
        },
      ],
    ],
  ];

  it.each(wrong)('refuse %s and go on as before', async (_what, typeUrl, sent) => {
    const before = await Promise.all(watched.all.map(held));
    const refused = await both(async ({ plane, ip }) => (await plane.push(typeUrl, sent(ip))) !== '');
    expect(refused).toBe(true);
    const after = await Promise.all(watched.all.map(held));
    expect(after.map(({ active }) => active)).toEqual(before.map(({ active }) => active));
  });

  it('refuse two of one name: by delta neither is taken, by the state of the world the first', async () => {
    const cluster = (connect_timeout: string) => ({ json: { name: 'twice', type: 'STATIC', connect_timeout } });
    const seen = await both(async (side) => {
      const { plane, ip } = side;
      const sent = [{ json: listener(ip, 'twice', 8090, inline) }, { json: listener(ip, 'twice', 8091, inline) }];
      const refused = [
        (await plane.push(CDS, [cluster('1s'), cluster('2s')])) !== '',
        (await plane.push(LDS, sent)) !== '',
      ];
      const { active } = await held(side);
      const seen = [...refused, active.CDS, active.LDS, await statusAt(ip, 8090), await statusAt(ip, 8091)];
      return [...seen, await plane.push(LDS, [], ['twice']), await plane.push(CDS, [], ['twice'])];
    });
    const taken =
      variant === 'delta'
        ? [['one'], ['base'], 'ECONNREFUSED', 'ECONNREFUSED']
        : [['one', 'twice'], ['base', 'twice'], '200', 'ECONNREFUSED'];
    expect(seen).toEqual([true, true, ...taken, '', '']);
  });

  it('take the good listener beside a bad one', async () => {
    const seen = await both(async ({ plane, ip }) => {
      const sent = [{ json: listener(ip, 'fine', 8081, inline) }, { json: listener(ip, 'bad', BASE, inline) }];
      const refused = (await plane.push(LDS, sent)) !== '';
      return { refused, status: await statusAt(ip, 8081) };
    });
    expect(seen).toEqual({ refused: true, status: '200' });
  });

  it('keep a table, and the hosts of a cluster, that are removed while they are used', async () => {
    await both(async ({ plane }) => {
      const taken = plane.push(CDS, [{ json: eds('e', '0s') }]);
      await waitFor('a request for endpoints', LIMIT_MS, () =>
        plane.requests.some(({ names }) => names.includes('e')) ? true : undefined,
      );
      return [await plane.push(EDS, [{ json: watched.hosts('e') }]), await taken];
    });
    const seen = await both(async ({ plane, ip }) => {
      const told = [await plane.push(RDS, [{ json: table('base', 'e') }]), await statusAt(ip, BASE)];
      return [...told, await plane.push(EDS, [], ['e']), await plane.push(RDS, [], ['base']), await statusAt(ip, BASE)];
    });
    expect(seen).toEqual(['', '200', '', '', '200']);
    await both(({ plane }) => plane.push(RDS, [{ json: table('base', 'one') }]));
  });

  it('wait for endpoints and tables as long as initial_fetch_timeout says, and say so', async () => {
    const seen = await both(async (side) => {
      const { plane, ip } = side;
      void plane.push(CDS, [{ json: eds('never', '0.5s') }]).catch(() => undefined);
      await plane.push(LDS, [{ json: listener(ip, 'late', 8082, byName('late', '0.5s')) }]);
      const before = await statusAt(ip, 8082);
      await waitFor('the end of both waits', LIMIT_MS, async () => {
        const { active, warming } = await held(side);
        return warming.length === 0 && active.LDS.includes('late') && active.CDS.includes('never') ? true : undefined;
      });
      const inVain = [
        await figure(side, 'cluster.never.init_fetch_timeout'),
        await figure(side, 'cluster.never.update_attempt'),
        await figure(side, 'http.late.rds.late.init_fetch_timeout'),
      ];
      const without = await waitFor('an open port', LIMIT_MS, async () => {
        const status = await statusAt(ip, 8082);
        return status === 'ECONNREFUSED' ? undefined : status;
      });
      return [
        before,
        ...inVain,
        without,
        await plane.push(RDS, [{ json: table('late', 'one') }]),
        await statusAt(ip, 8082),
      ];
    });
    expect(seen).toEqual(['ECONNREFUSED', 1, 2, 1, '404', '', '200']);
  });

  it('serve the last good certificate while others are garbage, of another kind or removed', async () => {
    const pair = (chain: string, key: string) => ({
      tls_certificate: { certificate_chain: { inline_string: chain }, private_key: { inline_string: key } },
    });
    const stranger = await (await createTestCa()).issue({ dns: ['other.example'] });
    const seen = await both(async (side) => {
      const { plane, ip } = side;
      const told: string[] = [];
      const opened = plane.push(LDS, [{ json: listener(ip, 'tls', 8443, inline, secured('shop')) }]);
      await waitFor('a request for the secret', LIMIT_MS, () =>
        plane.requests.some(({ names }) => names.includes('shop')) ? true : undefined,
      );
      const say = async (secret: object): Promise<void> => {
        const refused = (await plane.push(SDS, [{ json: { name: 'shop', ...secret } }])) !== '';
        told.push(`${refused ? 'refused' : 'taken'}: ${await handshake(side, 8443)}`);
      };
      const good = plane.push(SDS, [{ json: { name: 'shop', ...pair(certificate.chainPem, certificate.keyPem) } }]);
      await Promise.all([opened, good]);
      await waitFor('a handshake', LIMIT_MS, async () =>
        (await handshake(side, 8443)) === 'secured' ? true : undefined,
      );
      await say(pair('garbage', 'garbage'));
      await say(pair(certificate.chainPem, stranger.keyPem));
      await say({ validation_context: { trusted_ca: { inline_string: certificate.chainPem } } });
      await say({});
      await plane.push(SDS, [], ['shop']);
      told.push(`removed: ${await handshake(side, 8443)}`);
      return told;
    });
    expect(seen).toEqual([...Array(4).fill('refused: secured'), 'removed: secured']);
  });

  it('come back after garbage on the stream and tell what they hold', async () => {
    const seen = await both(async (side) => {
      const { plane } = side;
      const [opened, asked] = [plane.opened, plane.requests.length];
      const failures = await figure(side, 'listener_manager.lds.update_failure');
      plane.sendBytes(Buffer.from([255, 255, 255, 1, 2, 3]));
      await plane.reopened(opened);
      const told = await waitFor('requests for listeners and tables', LIMIT_MS, () => {
        const requests = plane.requests.slice(asked);
        const of = (typeUrl: string) => requests.find((each) => each.typeUrl === typeUrl);
        const [lds, rds] = [of(LDS), of(RDS)];
        return lds && rds ? [lds, rds] : undefined;
      });
      const connected = await waitFor('its own word', LIMIT_MS, async () =>
        (await figure(side, 'control_plane.connected_state')) === 1 ? 1 : undefined,
      );
      return {
        listeners: heldOf(told[0]!),
        tables: told[1]!.names.toSorted(),
        held: heldOf(told[1]!),
        nonces: told.map(({ responseNonce }) => responseNonce),
        connected,
        failures: (await figure(side, 'listener_manager.lds.update_failure')) - failures,
      };
    });
    const tables = ['base', 'late'];
    const held = variant === 'delta' ? { listeners: ['base', 'late', 'tls'], held: tables } : {};
    expect(seen).toMatchObject({ ...held, tables, nonces: ['', ''], connected: 1, failures: 1 });
  });

  it('go on while it is away and take what it says when it is back', async () => {
    const seen = await both(async (side) => {
      const { plane, ip } = side;
      const { opened } = plane;
      plane.vanish();
      await waitFor('the loss', LIMIT_MS, async () =>
        (await figure(side, 'control_plane.connected_state')) === 0 ? true : undefined,
      );
      const meanwhile = await statusAt(ip, BASE);
      await plane.listen();
      await plane.reopened(opened);
      await waitFor('its request for tables', LIMIT_MS, () =>
        plane.requests.slice(-6).some(({ typeUrl }) => typeUrl === RDS) ? true : undefined,
      );
      return [meanwhile, await plane.push(RDS, [{ json: { name: 'base', ...direct } }]), await statusAt(ip, BASE)];
    });
    expect(seen).toEqual(['200', '', '200']);
  });

  it('have asked for the same, and answered the same', () => {
    const [envoy, ours] = watched.all.map(({ plane }) => transcript(plane.requests));
    expect(ours).toEqual(envoy);
  });

  it('have answered every request meanwhile', () => {
    expect(watched.broken).toEqual([]);
  });
});
