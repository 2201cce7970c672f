import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ClusterLoadAssignment, type Rejection, type TypeUrl, typeUrls } from '#xds';
import type { Resolve } from '../../../../server/data-plane/doors.ts';
import { layeredRuntime } from '../../../../server/envoy/bootstrap.ts';
import { createTestCa, startPod } from '../../../mesh/data-plane-harness.ts';
import { startEnvoy } from '../envoy.ts';
import type { PairCase } from '../pairs/case-file.ts';
import { type Hosts, type PairResources, pairResources } from '../pairs/resources.ts';
import { waitFor } from '../wait.ts';

const FIRST_PORT = 20_000;

/** One of two proxies that were given the same resources, each of which it may have refused. */
export interface WalkedProxy {
  readonly name: 'envoy' | 'ours';
  readonly ip: string;
  portOf(given: PairCase): number;
  /** Names of the resources that it refused, with its reasons. */
  refused(): Promise<ReadonlyMap<string, string>>;
  logLines(): readonly string[];
  /** Counters and gauges by name. */
  figures(): Promise<ReadonlyMap<string, number>>;
  /** Gives clusters of `type: EDS` other hosts; resolves when they are in force. */
  assign(given: readonly PairCase[]): Promise<void>;
  /** Gives all clusters anew, as these cases have them; resolves when they are in force. None is of `type: EDS`. */
  replace(given: readonly PairCase[]): Promise<void>;
  /** GET on its admin port. */
  admin(path: string): Promise<string>;
  stop(): Promise<void>;
}

interface Given {
  readonly cases: readonly PairCase[];
  readonly ip: string;
  readonly hosts: Hosts;
  /** For a proxy of ours; absent: no name resolves. */
  readonly resolve?: Resolve;
}

const resourcesOf = ({ cases, ip, hosts }: Given): PairResources[] =>
  cases.map((given, i) => pairResources(given, { ip, port: FIRST_PORT + i }, hosts));

const ports =
  ({ cases }: Given): WalkedProxy['portOf'] =>
  (given) =>
    FIRST_PORT + cases.indexOf(given);

/** A real Envoy that reads its resources from files, so that it refuses each of them alone. */
export async function startWalkedEnvoy(given: Given): Promise<WalkedProxy> {
  const folder = mkdtempSync(join(tmpdir(), 'meshwork-walk-'));
  const write = (
    type: string,
    resources: readonly object[],
    url: TypeUrl,
  ): { path_config_source: { path: string } } => {
    const path = join(folder, `${type}.json`);
    const typed = resources.map((resource) => ({ '@type': url, ...resource }));
    writeFileSync(`${path}.new`, JSON.stringify({ version_info: `${++writes}`, resources: typed }));
    renameSync(`${path}.new`, path);
    return { path_config_source: { path } };
  };
  let writes = 0;
  const assign = (assignments: readonly object[]): void => {
    for (const assignment of assignments) {
      const { cluster_name } = assignment as { cluster_name: string };
      write(`hosts-${cluster_name}`, [assignment], typeUrls.endpoint);
    }
  };
  const resources = resourcesOf(given);
  const clusters = resources
    .flatMap((each) => each.clusters)
    .map((cluster) => {
      const { type, load_assignment, ...rest } = cluster as { type?: string; load_assignment?: object; name: string };
      if (type !== 'EDS') return cluster;
      assign([load_assignment!]);
      const path_config_source = { path: join(folder, `hosts-${rest.name}.json`) };
      return { ...rest, type, eds_cluster_config: { eds_config: { path_config_source, resource_api_version: 'V3' } } };
    });
  const listeners = resources.map(({ listener }) => listener);
  const bootstrap = {
    node: { id: 'walk', cluster: 'walk' },
    layered_runtime: layeredRuntime(),
    admin: { address: { socket_address: { address: given.ip, port_value: 15000 } } },
    dynamic_resources: {
      cds_config: { ...write('clusters', clusters, typeUrls.cluster), resource_api_version: 'V3' },
      lds_config: { ...write('listeners', listeners, typeUrls.listener), resource_api_version: 'V3' },
    },
  };
  const envoy = await startEnvoy(bootstrap, given.ip);
  const figures = async (filter = ''): Promise<ReadonlyMap<string, number>> =>
    readFigures(await envoy.admin(`/stats${filter}`));
  return {
    name: 'envoy',
    ip: given.ip,
    portOf: ports(given),
    logLines: envoy.accessLog,
    refused: async () => errorsOf(JSON.parse(await envoy.admin('/config_dump')) as Dump),
    figures: () => figures(),
    admin: (path) => envoy.admin(path),
    async replace(cases) {
      const taken = async (): Promise<number> =>
        (await figures('?filter=cluster_manager.cds.update_success')).get('cluster_manager.cds.update_success') ?? 0;
      const before = await taken();
      const { hosts, ip } = given;
      write(
        'clusters',
        resourcesOf({ cases, ip, hosts }).flatMap((each) => each.clusters),
        typeUrls.cluster,
      );
      await waitFor('Envoy has read other clusters', TAKEN_MS, async () =>
        (await taken()) > before ? true : undefined,
      );
    },
    async assign(cases) {
      const assignments = assignmentsOf(cases, given.hosts);
      const taken = (): Promise<ReadonlyMap<string, number>> => figures('?filter=%5C.update_(success|rejected|empty)$');
      const before = await taken();
      assign(assignments);
      await waitFor('Envoy has read other hosts', TAKEN_MS, async () => {
        const now = await taken();
        const isTaken = ({ cluster_name: name }: { cluster_name: string }): boolean =>
          UPDATES.some(
            (kind) => (now.get(`cluster.${name}.${kind}`) ?? 0) > (before.get(`cluster.${name}.${kind}`) ?? 0),
          );
        return assignments.every(isTaken) ? true : undefined;
      });
    },
    async stop() {
      await envoy.stop();
      rmSync(folder, { recursive: true });
    },
  };
}

const UPDATES = ['update_success', 'update_rejected'] as const;
const TAKEN_MS = 15_000;

/** The assignments of the clusters of `type: EDS`. */
const assignmentsOf = (cases: readonly PairCase[], hosts: Hosts): ClusterLoadAssignment[] =>
  resourcesOf({ cases, ip: '', hosts })
    .flatMap(({ clusters }) => clusters)
    .flatMap(({ type, load_assignment }) => (type === 'EDS' ? [load_assignment!] : []));

interface Failed {
  readonly error_state?: { readonly details: string; readonly failed_configuration: { readonly name: string } };
}
interface Dump {
  readonly configs: readonly {
    readonly dynamic_listeners?: readonly Failed[];
    readonly dynamic_active_clusters?: [];
  }[];
}

const errorsOf = ({ configs }: Dump): Map<string, string> =>
  new Map(
    configs
      .flatMap(({ dynamic_listeners = [] }) => dynamic_listeners)
      .flatMap(({ error_state: state }) =>
        state === undefined ? [] : [[state.failed_configuration.name, state.details] as const],
      ),
  );

function readFigures(text: string): Map<string, number> {
  const lines = text.split('\n').flatMap((line) => {
    const [, name, value] = /^(.+): (\d+)$/.exec(line) ?? [];
    return name === undefined ? [] : [[name, Number(value)] as const];
  });
  return new Map(lines);
}

/** A proxy of ours with the same resources. */
export async function startWalkedProxy(given: Given): Promise<WalkedProxy> {
  const refused = new Map<string, string>();
  const resources = resourcesOf(given);
  const clusters = resources.flatMap((each) => each.clusters);
  const { ip, resolve } = given;
  const signer = await createTestCa();
  const pod = await startPod({ ip, name: 'walk', role: 'router', signer, ...(resolve && { resolve }) }, (xds) => {
    const keep = (rejections: readonly Rejection[]): void => {
      for (const { name, message } of rejections) refused.set(name, message);
    };
    const eds = clusters.flatMap((cluster) => {
      const { type, load_assignment } = cluster as { type?: string; load_assignment?: object };
      return type === 'EDS' ? [load_assignment!] : [];
    });
    const plain = clusters.map((cluster) => {
      const { type, load_assignment: _, ...rest } = cluster as { type?: string; load_assignment?: object };
      const eds_cluster_config = { eds_config: { ads: {}, resource_api_version: 'V3' } };
      return type === 'EDS' ? { ...rest, type, eds_cluster_config } : cluster;
    });
    keep(xds.push(typeUrls.cluster, plain as typeof clusters));
    keep(xds.push(typeUrls.endpoint, eds as never));
    keep(
      xds.push(
        typeUrls.listener,
        resources.map(({ listener }) => listener),
      ),
    );
  });
  return {
    name: 'ours',
    ip: given.ip,
    portOf: ports(given),
    logLines: () => pod.logs,
    refused: async () => refused,
    figures: async () => new Map(pod.proxy.admin.stats()),
    admin: async (path) => (await fetch(`http://${given.ip}:15000${path}`)).text(),
    async assign(cases) {
      pod.xds.push(typeUrls.endpoint, assignmentsOf(cases, given.hosts));
    },
    async replace(cases) {
      const next = resourcesOf({ cases, ip: given.ip, hosts: given.hosts }).flatMap((each) => each.clusters);
      const rejections = pod.xds.push(typeUrls.cluster, next);
      if (rejections.length > 0) throw new Error(`our proxy refuses: ${JSON.stringify(rejections)}`);
    },
    stop: () => pod.stop(),
  };
}
