import { request } from 'node:http';
import { connect } from 'node:net';
import { seededRandom } from '#domain';
import type { AdsVariant, TypeUrl } from '#xds';
import { createAdsClient } from '#xds';
import { createProxyWith } from '../../../../server/data-plane/proxy.ts';
import { bootstrap } from '../../../../server/envoy/bootstrap.ts';
import { systemClock } from '../../../../server/system.ts';
import { createTestCa } from '../../../mesh/data-plane-harness.ts';
import { startEnvoy } from '../envoy.ts';
import { ManagementServer, type Sent } from './management-server.ts';

/** A gateway that gets all it knows from a control plane of its own. */
export interface Side {
  readonly name: 'envoy' | 'ours';
  readonly ip: string;
  readonly plane: ManagementServer;
  /** GET on the admin port. */
  admin(path: string): Promise<string>;
  stop(): Promise<void>;
}

/** What a control plane answers to the first request of each type. */
export type FirstAnswers = (ip: string) => Partial<Record<TypeUrl, readonly Sent[]>>;

/** Where a side lives, and by which form it is told what it knows. */
export interface SideOptions {
  readonly ip: string;
  readonly variant: AdsVariant;
  readonly first: FirstAnswers;
}

async function planeAt({ ip, variant, first }: SideOptions): Promise<ManagementServer> {
  const plane = new ManagementServer(ip, variant);
  const answers = first(ip);
  plane.onFirst = ({ typeUrl }) => {
    const sent = answers[typeUrl as TypeUrl];
    if (sent !== undefined) plane.push(typeUrl as TypeUrl, sent).catch(() => undefined);
  };
  await plane.listen();
  return plane;
}

export async function startEnvoySide(options: SideOptions): Promise<Side> {
  const { ip, variant } = options;
  const plane = await planeAt(options);
  const node = { id: `router~${ip}~gateway.default~default.svc.cluster.local`, cluster: 'gateway', metadata: {} };
  const config = bootstrap({ node, podIp: ip, variant, adsPort: plane.port, sdsPort: plane.port });
  const envoy = await startEnvoy(config, ip);
  const stop = async (): Promise<void> => {
    await envoy.stop();
    plane.vanish();
  };
  return { name: 'envoy', ip, plane, admin: (path) => envoy.admin(path), stop };
}

export async function startOurSide(options: SideOptions): Promise<Side> {
  const { ip, variant } = options;
  const plane = await planeAt(options);
  const proxy = createProxyWith(
    {
      role: 'router',
      pod: { name: 'gateway', namespace: 'default', ip, serviceAccount: 'gateway', labels: {}, ports: [] },
      bootstrap: { variant },
      trustDomain: 'cluster.local',
      xdsAddress: `${ip}:${plane.port}`,
      signer: await createTestCa(),
      token: () => 'token',
      network: {
        podIp: ip,
        originalDestination: () => Promise.resolve(undefined),
        connect: (to) => connect({ host: to.ip, port: to.port, localAddress: ip }),
      },
      clock: systemClock(),
      random: seededRandom('control plane'),
      onHop: () => undefined,
      onLog: () => undefined,
    },
    { createAdsClient },
  );
  await proxy.start(new AbortController().signal);
  const stop = async (): Promise<void> => {
    await proxy.stop(0);
    plane.vanish();
  };
  const admin = async (path: string): Promise<string> => (await fetch(`http://${ip}:15000${path}`)).text();
  return { name: 'ours', ip, plane, admin, stop };
}

/** Status of one request over a connection of its own, or the error's code. */
export function statusAt(ip: string, port: number): Promise<string> {
  return new Promise((resolve) => {
    const call = request({ host: ip, port, agent: false, localAddress: ip }, (answer) => {
      answer.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      answer.resume().on('end', () => resolve(String(answer.statusCode)));
    });
    call.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message)).end();
  });
}
