import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { afterEach } from 'vitest';
import { type ControlPlane, createControlPlane, DEFAULT_MESH_CONFIG } from '#control-plane';
import type { KubeObject } from '#domain';
import { istioKinds } from '#istio';
import { coreKinds, createKindRegistry, createKubeStore, type KubeStore } from '#kube-api';
import { systemClock } from '../../../server/system.ts';
import { parseDocuments } from '../../golden/translate/mesh.ts';

export const bookinfo = parseDocuments(
  readFileSync(join(import.meta.dirname, '../../golden/translate/bookinfo.mesh.yaml'), 'utf8'),
) as KubeObject[];

export const clock = systemClock();
/** Run after each test, the latest first. */
export const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

/** A store with Bookinfo, or with other objects. */
export function newStore(objects: readonly KubeObject[] = bookinfo): KubeStore {
  const store = createKubeStore({ kinds: createKindRegistry([...coreKinds, ...istioKinds]), clock });
  store.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'istio-system' } }, { changeId: 'topology' });
  for (const object of objects) {
    const { status, ...rest } = object;
    store.create(rest as KubeObject, { changeId: 'topology' });
    const name = { namespace: object.metadata.namespace ?? '', name: object.metadata.name };
    if (status) store.updateStatus(object.kind, name, status, { changeId: 'topology' });
  }
  return store;
}

/** Starts a control plane on a loopback port. */
export async function serve(store: KubeStore): Promise<{ controlPlane: ControlPlane; address: string; log: string[] }> {
  const log: string[] = [];

  const controlPlane = createControlPlane({
    store,
    meshConfig: DEFAULT_MESH_CONFIG,
    clock,
    onPush: () => {},
    onLog: (line) => log.push(line),
  });
  const server = new Server();
  controlPlane.ads.register(server);
  controlPlane.start();
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (cause, bound) =>
      cause === null ? resolve(bound) : reject(cause),
    );
  });
  cleanups.push(() => {
    controlPlane.stop();
    controlPlane.ads.close();
    server.forceShutdown();
  });
  return { controlPlane, address: `127.0.0.1:${port}`, log };
}
