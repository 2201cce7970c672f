import type { KubeObject } from '#domain';
import type { ApiContext } from '../http/context.ts';
import { nameFrom, type ResourceRequest } from '../http/resource.ts';
import { badRequest, KubeStatusError, notFound } from '../status-error.ts';
import { commandOverSpdy } from './command-spdy.ts';
import { commandOverWebSocket } from './command-websocket.ts';
import { podAccess, remoteCommand } from './pod-target.ts';
import { portForward } from './port-forward.ts';
import { type Upgrade, upgradeKind } from './upgrade.ts';

/** Serves exec, attach or port-forward of a pod. Throws what is to be refused before the protocol is switched. */
export async function serveUpgrade(request: ResourceRequest, context: ApiContext, upgrade: Upgrade): Promise<void> {
  const { exchange, kind, path, word } = request;
  const { query } = exchange;
  const pod = context.store.get(word, nameFrom(path));
  if (!pod) throw notFound(kind, path.name);
  const access = podAccess(context);
  switch (path.subresource) {
    case 'exec':
    case 'attach': {
      const command = remoteCommand(pod, path.subresource, query);
      if (upgradeKind(upgrade.request) === 'websocket') await commandOverWebSocket(upgrade, access, command);
      else await commandOverSpdy(upgrade, access, command);
      return;
    }
    case 'portforward':
      requireRunning(pod);
      await portForward(upgrade, { access, pod }, readPorts(query));
      return;
    default:
      throw new KubeStatusError('MethodNotAllowed', 'the server does not allow this method on the requested resource');
  }
}

function requireRunning(pod: KubeObject): void {
  const phase = (pod.status as { phase?: string } | undefined)?.phase;
  if (phase !== undefined && phase !== 'Running') {
    throw badRequest(`unable to forward port because pod is not running. Current status=${phase}`);
  }
}

function readPorts(query: URLSearchParams): number[] {
  const ports = query.getAll('ports').flatMap((text) => text.split(','));
  return ports.map((text) => {
    const port = Number(text);
    if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
    throw badRequest(`unable to parse ${JSON.stringify(text)} as a port`);
  });
}
