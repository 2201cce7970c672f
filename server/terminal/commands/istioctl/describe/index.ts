import type { Proxy } from '#data-plane';
import type { KubeObject } from '#domain';
import { type Flags, onOff } from '#shell';
import { type CommandIo, type ShellContext, UsageError } from '../../../command.ts';
import { names } from '../../kubectl/targets.ts';
import { namespaceOf, type Typed } from '../../verb.ts';
import { destinationRuleIn, inboundPolicies, type RuleName, virtualServiceIn } from './in-force.ts';
import { ingressLines } from './ingress.ts';
import type { DestinationRule, Labels, PeerAuthentication, Pod, Service, VirtualService } from './objects.ts';
import { type NameOf, namesWithin, selects } from './objects.ts';
import { peerAuthenticationLines } from './peer-authentication.ts';
import { podLines, serviceLines } from './pod.ts';
import { destinationRuleLines, NO_SUBSETS, subsetsOf, virtualServiceLines } from './rules.ts';

const LINE = '--------------------';
const ROOT = 'istio-system';

export const describeFlags = { ignoreUnmeshed: onOff() };

export const describeManual = `istioctl x describe pod <pod[.namespace]> | service <service[.namespace]> [-n namespace]
What of the mesh concerns a pod or a Service: its ports, the rules that its own proxy has for it and which of their routes reach it, mTLS, and where the ingress gateway exposes it.`;

/** `istioctl x describe pod|service`. Source: istioctl/pkg/describe of istio. */
export function describeResource(flags: Flags, io: CommandIo, context: ShellContext): number {
  const [, type = '', word, more] = flags.words;
  const kind = KINDS[type];
  if (kind === undefined) {
    if (type === '') {
      io.out(`${describeManual}\n`);
      return 0;
    }
    throw new UsageError(`Error: unknown resource type "${type}"`);
  }
  if (word === undefined || more !== undefined) throw new UsageError(`Error: expecting ${kind} name`);
  const namespace = namespaceOf(flags, context);
  const [name, within] = splitName(word, namespace);
  const view: View = {
    context,
    nameOf: namesWithin(namespace),
    ignoreUnmeshed: flags.on('ignoreUnmeshed'),
    namespace: within,
  };
  const lines = kind === 'pod' ? describePod(view, name) : describeService(view, name);
  // What is known stands before what fails.
  for (const line of lines) io.out(`${line}\n`);
  return 0;
}

const KINDS: Readonly<Record<string, 'pod' | 'service'>> = {
  pod: 'pod',
  po: 'pod',
  service: 'service',
  svc: 'service',
};

interface View {
  readonly context: ShellContext;
  readonly nameOf: NameOf;
  readonly ignoreUnmeshed: boolean;
  readonly namespace: string;
}

/** `pod.namespace`, or a pod of this one. */
function splitName(word: string, namespace: string): [name: string, namespace: string] {
  const dot = word.lastIndexOf('.');
  return dot < 0 ? [word, namespace] : [word.slice(0, dot), word.slice(dot + 1)];
}

/** The stored objects of a kind in a namespace. */
const listed = <Shape>({ sandbox }: ShellContext, kind: string, namespace: string): Shape[] =>
  sandbox.store.list(kind, { namespace }) as readonly KubeObject[] as unknown as Shape[];

const stored = <Shape>({ sandbox }: ShellContext, kind: string, key: RuleName): Shape | undefined =>
  sandbox.store.get(kind, key) as KubeObject | undefined as Shape | undefined;

const isSelecting = ({ spec: { selector = {} } }: Service): boolean => Object.keys(selector).length > 0;

function* describePod(view: View, name: string): Generator<string> {
  const { context, namespace, nameOf, ignoreUnmeshed } = view;
  const pod = stored<Pod>(context, 'Pod', { namespace, name });
  if (pod === undefined) throw new UsageError(`Error: pods "${name}" not found`);
  const { labels = {} } = pod.metadata;
  const services = listed<Service>(context, 'Service', namespace).filter(
    (service) => isSelecting(service) && selects(service.spec.selector ?? {}, labels),
  );
  const policies = [ROOT, ...(namespace === ROOT ? [] : [namespace])].flatMap((each) =>
    listed<PeerAuthentication>(context, 'PeerAuthentication', each),
  );
  yield* podLines(pod, nameOf, ignoreUnmeshed);
  if (services.length === 0 && !ignoreUnmeshed) {
    yield `Warning: No Kubernetes Services select pod ${nameOf(pod.metadata)} (see https://istio.io/docs/setup/kubernetes/additional-setup/requirements/ )`;
  }
  yield LINE;
  yield* servicesLines(view, { pod, services, pods: [labels] });
  yield LINE;
  yield* peerAuthenticationLines(policies, labels, ROOT);
  yield* ingressLines(view, services, [labels]);
}

function describeService(view: View, name: string): string[] {
  const { context, namespace, nameOf } = view;
  const service = stored<Service>(context, 'Service', { namespace, name });
  if (service === undefined) throw new UsageError(`Error: services "${name}" not found`);
  const selected = isSelecting(service)
    ? listed<Pod>(context, 'Pod', namespace).filter(({ metadata }) =>
        selects(service.spec.selector ?? {}, metadata.labels),
      )
    : [];
  const notes: string[] = [];
  const ready = selected.filter((pod) => {
    const why = notInMesh(pod, nameOf);
    if (why !== undefined) notes.push(why);
    return why === undefined;
  });
  const title = nameOf(service.metadata);
  const [pod] = ready;
  if (pod === undefined) {
    if (selected.length === 0) return [`Service "${title}" has no pods.`];
    return [
      ...notes,
      `Service "${title}" has no Istio pods.  (${selected.length} pods in service).`,
      'Use `istioctl kube-inject` or redeploy with Istio automatic sidecar injection.',
    ];
  }
  const pods = ready.map(({ metadata }) => metadata.labels ?? {});
  return [...notes, ...servicesLines(view, { pod, services: [service], pods }), ...ingressLines(view, [service], pods)];
}

/** Why a pod does not count as one of the mesh; undefined: it does. */
function notInMesh({ metadata, status = {} }: Pod, nameOf: NameOf): string | undefined {
  const { phase = '', containerStatuses = [], initContainerStatuses = [] } = status;
  if (phase !== 'Running') return `   Pod is not Running (${phase})`;
  const proxy = [...containerStatuses, ...initContainerStatuses].find((each) => each.name === 'istio-proxy');
  if (proxy === undefined) return `Pod ${nameOf(metadata)}: no container "istio-proxy" in pod`;
  return proxy.ready === true ? undefined : `WARNING: Pod ${nameOf(metadata)} Container istio-proxy NOT READY`;
}

interface Described {
  readonly pod: Pod;
  readonly services: readonly Service[];
  /** Labels of all pods in question. */
  readonly pods: readonly Labels[];
}

/** What a pod's own proxy has for each Service. Source: describePodServices in istioctl. */
function servicesLines(view: View, { pod, services, pods }: Described): string[] {
  const running = view.context.sandbox.pods.find(
    ({ name, namespace }) => name === pod.metadata.name && namespace === pod.metadata.namespace,
  );
  const proxy = running?.proxy;
  if (proxy === undefined) {
    if (view.ignoreUnmeshed) return [];
    throw new UsageError('Error: failed to execute command on sidecar: the pod has no proxy');
  }
  return services.flatMap((service, row) => [
    ...(row === 0 ? [] : [LINE]),
    ...serviceLines(service, pod, view.nameOf),
    ...portLines(view, { proxy, service, pods }),
  ]);
}

function portLines(
  view: View,
  { proxy, service, pods }: { readonly proxy: Proxy; readonly service: Service; readonly pods: readonly Labels[] },
): string[] {
  const { ports = [] } = service.spec;
  const several = ports.length > 1;
  return ports.flatMap(({ port }) => {
    const lines = ruleLines(view, { proxy, service, port, pods });
    const policies = inboundPolicies(proxy);
    return [
      ...(several ? [`${port}:`] : []),
      ...lines.map((line) => (several && !line.startsWith('WARNING: Proxy') ? `   ${line}` : line)),
      ...(policies.length === 0 ? [] : [`${several ? `${port} ` : ''}RBAC policies: ${policies.join(', ')}`]),
    ];
  });
}

/** A proxy, and whose rules in it are described. */
export interface RuleQuestion {
  readonly proxy: Proxy;
  readonly service: Service;
  readonly port: number;
  readonly pods: readonly Labels[];
}

/** The DestinationRule and the VirtualService that a proxy has for a service's port. */
function ruleLines(view: View, question: RuleQuestion): string[] {
  const { context, nameOf } = view;
  const { rule, subsets, lines } = ruleFor(view, question);
  const named = virtualServiceIn(question.proxy, question.service, question.port);
  if (named === undefined) return lines;
  const routes = stored<VirtualService>(context, 'VirtualService', named);
  if (routes === undefined) return [...lines, stale('virtual service', named)];
  return [...lines, ...virtualServiceLines(routes, { service: question.service, subsets, rule, nameOf })];
}

const stale = (what: string, { name, namespace }: RuleName): string =>
  `WARNING: Proxy is stale; it references to non-existent ${what} ${name}.${namespace}`;

function ruleFor({ context, nameOf }: View, { proxy, service, port, pods }: RuleQuestion) {
  const named = destinationRuleIn(proxy, service, port);
  const rule = named && stored<DestinationRule>(context, 'DestinationRule', named);
  if (rule === undefined) {
    return { rule, subsets: NO_SUBSETS, lines: named === undefined ? [] : [stale('destination rule', named)] };
  }
  const subsets = subsetsOf(rule, pods);
  return { rule, subsets, lines: destinationRuleLines(rule, subsets, nameOf) };
}

export function completeDescribe({ words, namespace }: Typed, context: ShellContext): readonly string[] {
  if (words.length <= 2) return ['pod', 'service'];
  return words.length === 3 ? names(context, words[1]?.startsWith('po') ? 'Pod' : 'Service', namespace) : [];
}
