import type { MeshSnapshot } from '../snapshot/mesh-snapshot.ts';
import { leftOutOfCluster } from './destination-rules.ts';
import { unknownDestination, wentUnknown } from './destinations.ts';
import { leftOutOfGateway } from './gateway-rules.ts';
import { inquire, type LeftOut, type LeftOutQuestion } from './question.ts';
import { serversLeftOut } from './servers.ts';
import { serviceLeftOut } from './services.ts';
import { leftOutOfSidecar } from './sidecar-rules.ts';

export { policiesLeftOut } from './policies.ts';
export type { AskedConnection, LeftOut, LeftOutQuestion } from './question.ts';

/**
 * The rules that a learner may have meant for a request and that never reached the proxy that decided about it, each with the first
 * field that kept it away. Found out when it is asked for, by the functions that translate: nothing is kept for it.
 */
export function rulesLeftOut(snapshot: MeshSnapshot, question: LeftOutQuestion): readonly LeftOut[] {
  const inquiry = inquire(snapshot, question);
  const cluster = leftOutOfCluster(inquiry, question.cluster);
  if (inquiry.proxy.role === 'router') {
    const servers = isNobodys(question.virtualHost) && question.cluster === '' ? serversLeftOut(inquiry) : [];
    return [...serviceLeftOut(inquiry), ...servers, ...leftOutOfGateway(inquiry), ...cluster];
  }
  const unknown = wentUnknown(question.cluster, question.virtualHost) ? unknownDestination(inquiry) : [];
  return [...serviceLeftOut(inquiry), ...unknown, ...leftOutOfSidecar(inquiry), ...cluster];
}

/** No virtual host, or the one that a route table has for want of any: it answers 404. */
const isNobodys = (virtualHost: string): boolean => virtualHost === '' || /^blackhole:\d+$/.test(virtualHost);
