import type { KubeObject } from '#domain';
import type { PodAccess } from '../doors.ts';
import type { ApiContext } from '../http/context.ts';
import { isTrue } from '../http/request-path.ts';
import { listAt, textAt } from '../kinds/columns.ts';
import { badRequest, KubeStatusError } from '../status-error.ts';
import type { RemoteCommand } from './remote-command.ts';

/** Throws ServiceUnavailable when nothing runs the pods of this cluster. */
export function podAccess({ options }: ApiContext): PodAccess {
  if (options.pods) return options.pods;
  throw new KubeStatusError('ServiceUnavailable', 'no node of this cluster runs pods');
}

const names = (pod: KubeObject, field: string): string[] =>
  listAt(pod, field).map((container) => textAt(container, 'name') ?? '');

/** The container that a request means. Throws BadRequest when it names none of several, or one that is not there. */
export function settleContainer(pod: KubeObject, wanted: string | null): string {
  const containers = names(pod, 'spec.containers');
  const initial = names(pod, 'spec.initContainers');
  if (wanted) {
    if ([...containers, ...initial, ...names(pod, 'spec.ephemeralContainers')].includes(wanted)) return wanted;
    throw badRequest(`container ${wanted} is not valid for pod ${pod.metadata.name}`);
  }
  const [only] = containers;
  if (only !== undefined && containers.length === 1) return only;
  const others = initial.length === 0 ? '' : ` or one of the init containers: [${initial.join(' ')}]`;
  throw badRequest(
    `a container name must be specified for pod ${pod.metadata.name}, choose one of: [${containers.join(' ')}]${others}`,
  );
}

/** Reads the query of exec or attach. Throws BadRequest when it asks for nothing, or runs nothing. */
export function remoteCommand(pod: KubeObject, part: string, query: URLSearchParams): RemoteCommand {
  const flag = (name: string): boolean => isTrue(query.get(name));
  const command = query.getAll('command');
  if (part === 'exec' && command.length === 0) throw badRequest('you must specify at least 1 command');
  if (!flag('stdin') && !flag('stdout') && !flag('stderr')) {
    throw badRequest('you must specify at least 1 of stdin, stdout, stderr');
  }
  if (textAt(pod, 'status.phase') === 'Succeeded' || textAt(pod, 'status.phase') === 'Failed') {
    throw badRequest(
      `cannot ${part} in a container in a completed pod; current phase is ${textAt(pod, 'status.phase')}`,
    );
  }
  return {
    pod,
    container: settleContainer(pod, query.get('container')),
    ...(part === 'exec' ? { command } : {}),
    stdin: flag('stdin'),
    stdout: flag('stdout'),
    stderr: flag('stderr'),
    tty: flag('tty'),
  };
}
