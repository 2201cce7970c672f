import type { MeshSnapshot } from '../snapshot/mesh-snapshot.ts';
import { leftOutOfCluster } from './destination-rules.ts';
import { leftOutOfGateway } from './gateway-rules.ts';
import { inquire, type LeftOut, type LeftOutQuestion } from './question.ts';
import { serviceLeftOut } from './services.ts';
import { leftOutOfSidecar } from './sidecar-rules.ts';

export type { LeftOut, LeftOutQuestion } from './question.ts';

/**
 * The rules that a learner may have meant for a request and that never reached the proxy that decided about it, each with the first
 * field that kept it away. Found out when it is asked for, by the functions that translate: nothing is kept for it.
 */
export function rulesLeftOut(snapshot: MeshSnapshot, question: LeftOutQuestion): readonly LeftOut[] {
  const inquiry = inquire(snapshot, question);
  const routes = inquiry.proxy.role === 'router' ? leftOutOfGateway(inquiry) : leftOutOfSidecar(inquiry);
  return [...serviceLeftOut(inquiry), ...routes, ...leftOutOfCluster(inquiry, question.cluster)];
}
