import { type FlagSpec, type Flags, many, onOff, readCount, value } from '#shell';
import { imageName } from '#workloads';
import { type ShellContext, UsageError } from '../../command.ts';
import { namespaceOf, type Verb } from '../verb.ts';
import { usage } from './errors.ts';
import { make, makeFlags, type NewObject } from './new-object.ts';
import { completeTargets, getObject, readTargets } from './targets.ts';

/** Flags of `kubectl create deployment` and `kubectl create service`. */
export const workloadFlags: FlagSpec = {
  image: many(),
  replicas: value(),
  port: value(),
  tcp: many(),
  'external-name': value(),
  clusterip: value(),
};

function oneName(verb: string, names: readonly string[]): string {
  const [name] = names;
  if (name === undefined || names.length > 1) throw usage(verb, `exactly one NAME is required, got ${names.length}`);
  return name;
}

function countOf(flags: Flags, name: string, fallback: number): number {
  const text = flags.text(name);
  const count = text === undefined ? fallback : readCount(text);
  if (count === undefined)
    throw new UsageError(
      `Error: invalid argument "${text}" for "--${name}" flag: strconv.ParseInt: parsing "${text}": invalid syntax`,
    );
  return count;
}

/** A name for the container, from its image: the last part without what a name may not have. */
const containerName = (image: string): string =>
  imageName(image)
    .replaceAll(/[^a-zA-Z0-9-]/g, '-')
    .toLowerCase();

/** `kubectl create deployment NAME --image=… [-- command]`. */
export function deploymentFrom(names: readonly string[], flags: Flags): NewObject {
  const words = names.slice(0, names.length - (flags.afterDashes?.length ?? 0));
  const name = oneName('create deployment', words);
  const images = flags.all('image');
  if (images.length === 0) throw new UsageError('error: required flag(s) "image" not set');
  const command = flags.afterDashes ?? [];
  if (images.length > 1 && command.length > 0)
    throw new UsageError('error: cannot specify multiple --image options and command');
  const port = flags.text('port') === undefined ? undefined : countOf(flags, 'port', 0);
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, labels },
    spec: {
      replicas: countOf(flags, 'replicas', 1),
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          containers: images.map((image, i) => ({
            image,
            name: containerName(image),
            ...(command.length > 0 && { command }),
            ...(port !== undefined && i === 0 && { ports: [{ containerPort: port }] }),
          })),
        },
      },
    },
  };
}

const SERVICE_TYPES: Readonly<Record<string, string>> = {
  clusterip: 'ClusterIP',
  nodeport: 'NodePort',
  loadbalancer: 'LoadBalancer',
  externalname: 'ExternalName',
};

/** `kubectl create service clusterip|nodeport|loadbalancer|externalname NAME --tcp=port:target`. */
export function serviceFrom([form = '', ...names]: readonly string[], flags: Flags): NewObject {
  const type = SERVICE_TYPES[form];
  if (type === undefined)
    throw usage('create service', `unknown command "${form}"; ${Object.keys(SERVICE_TYPES).join(', ')} are known here`);
  const name = oneName(`create service ${form}`, names);
  const ports = flags.all('tcp').map(portFrom);
  const external = flags.text('external-name');
  if (type === 'ExternalName' && external === undefined)
    throw new UsageError('error: required flag(s) "external-name" not set');
  if (type !== 'ExternalName' && ports.length === 0 && flags.text('clusterip') !== 'None')
    throw new UsageError('error: at least one tcp port specifier must be provided');
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, labels: { app: name } },
    spec: {
      ...(ports.length > 0 && { ports }),
      selector: { app: name },
      type,
      ...(external !== undefined && { externalName: external }),
      ...(flags.text('clusterip') !== undefined && { clusterIP: flags.text('clusterip') }),
    },
  };
}

function portFrom(text: string): object {
  const [port = '', target = port] = text.split(':');
  if (readCount(port, 1) === undefined) throw new UsageError(`error: invalid port specification ${text}`);
  return {
    name: text.replace(':', '-'),
    port: Number(port),
    protocol: 'TCP',
    targetPort: readCount(target, 1) ?? target,
  };
}

export const run: Verb = {
  name: 'run',
  manual: `kubectl run <name> --image=<image> [--port=…] [--env=KEY=value]… [--labels=k=v,…] [--restart=Never] [--dry-run=client -o yaml] [-- args…]
Makes one pod. To talk from inside of it, use kubectl exec when it runs.`,
  flags: {
    ...makeFlags,
    image: value(),
    port: value(),
    env: many(),
    labels: value('l'),
    annotations: many(),
    restart: value(),
    command: onOff(),
    stdin: onOff('i'),
    tty: onOff('t'),
    rm: onOff(),
    quiet: onOff('q'),
    'image-pull-policy': value(),
  },
  run: async (flags, io, context) => {
    if (flags.on('stdin') || flags.on('rm') || flags.on('tty'))
      throw new UsageError(
        'error: this terminal attaches to no pod. Make the pod without -it and --rm, then: kubectl exec <pod> -- <command>',
      );
    const object = podFrom(flags);
    return make(object, { flags, io, context, title: `run ${object.metadata.name}`, done: 'created' });
  },
};

function podFrom(flags: Flags): NewObject {
  const args = flags.afterDashes ?? [];
  const [name, more] = flags.words.slice(0, flags.words.length - args.length);
  if (name === undefined || more !== undefined) throw usage('run', 'NAME is required for run');
  const image = flags.text('image');
  if (image === undefined) throw new UsageError('error: required flag(s) "image" not set');
  const restartPolicy = flags.text('restart') ?? 'Always';
  if (!['Always', 'OnFailure', 'Never'].includes(restartPolicy))
    throw new UsageError(`error: invalid restart policy: ${restartPolicy}`);
  const env = flags.all('env').map((pair) => {
    const equals = pair.indexOf('=');
    if (equals <= 0) throw new UsageError(`error: invalid env: ${pair}`);
    return { name: pair.slice(0, equals), value: pair.slice(equals + 1) };
  });
  const labels = pairsOf(flags.text('labels')) ?? { run: name };
  const annotations = Object.assign({}, ...flags.all('annotations').map((text) => pairsOf(text) ?? {})) as object;
  const port = flags.text('port');
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels, ...(flags.all('annotations').length > 0 && { annotations }) },
    spec: {
      containers: [
        {
          ...(args.length > 0 && { [flags.on('command') ? 'command' : 'args']: args }),
          ...(env.length > 0 && { env }),
          image,
          name,
          ...(port !== undefined && { ports: [{ containerPort: countOf(flags, 'port', 0) }] }),
        },
      ],
      dnsPolicy: 'ClusterFirst',
      restartPolicy,
    },
  };
}

function pairsOf(text: string | undefined): Record<string, string> | undefined {
  if (text === undefined) return undefined;
  return Object.fromEntries(
    text.split(',').map((pair) => {
      const [key = '', pairValue] = pair.split(/=(.*)/s);
      if (key === '' || pairValue === undefined) throw new UsageError(`error: unexpected label spec: ${pair}`);
      return [key, pairValue];
    }),
  );
}

export const expose: Verb = {
  name: 'expose',
  manual: `kubectl expose <deploy/name | deployment name | pod name> --port=80 [--target-port=8080] [--name=…] [--type=…] [-n namespace]
Makes a Service for the pods of a workload.`,
  flags: {
    ...makeFlags,
    port: value(),
    'target-port': value(),
    name: value(),
    type: value(),
    protocol: value(),
    selector: value(),
    labels: value('l'),
    'cluster-ip': value(),
    'external-ip': value(),
  },
  run: async (flags, io, context) => {
    const object = serviceFor(flags, context);
    return make(object, { flags, io, context, title: `expose ${flags.words.join(' ')}`, done: 'exposed' });
  },
  complete: completeTargets,
};

interface Exposed {
  readonly selector?: Readonly<Record<string, unknown>> & { readonly matchLabels?: Readonly<Record<string, string>> };
  readonly template?: { readonly spec?: { readonly containers?: readonly Container[] } };
  readonly containers?: readonly Container[];
  readonly ports?: readonly { readonly port: number }[];
}

interface Container {
  readonly ports?: readonly { readonly containerPort: number }[];
}

function serviceFor(flags: Flags, context: ShellContext): NewObject {
  const [target, more] = readTargets(context, flags.words, 'expose');
  if (target?.name === undefined || more !== undefined)
    throw new UsageError('error: resource(s) were provided, but no name was specified');
  const namespace = namespaceOf(flags, context);
  const { metadata, spec } = getObject(context, target.kind, namespace, target.name);
  const from = (spec ?? {}) as Exposed;
  const isPod = target.kind.kind === 'Pod';
  if (!isPod && from.selector === undefined)
    throw new UsageError(
      `error: cannot expose a ${target.kind.kind}${target.kind.group === '' ? '' : `.${target.kind.group}`}`,
    );
  const selector =
    pairsOf(flags.text('selector')) ?? (isPod ? metadata.labels : (from.selector?.matchLabels ?? from.selector)) ?? {};
  const containers = from.template?.spec?.containers ?? from.containers ?? [];
  const declared = containers.flatMap(({ ports = [] }) => ports.map(({ containerPort }) => containerPort));
  const ports =
    flags.text('port') === undefined ? (from.ports?.map(({ port }) => port) ?? declared) : [countOf(flags, 'port', 0)];
  if (ports.length === 0)
    throw new UsageError(
      "error: couldn't find port via --port flag or introspection\nSee 'kubectl expose -h' for help and examples",
    );
  const wanted = flags.text('target-port');
  const protocol = flags.text('protocol') ?? 'TCP';
  const labels = pairsOf(flags.text('labels')) ?? metadata.labels;
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: flags.text('name') ?? metadata.name, ...(labels !== undefined && { labels }) },
    spec: {
      ports: ports.map((port, i) => ({
        ...(ports.length > 1 && { name: `port-${i + 1}` }),
        port,
        protocol,
        targetPort: wanted === undefined ? port : (readCount(wanted, 1) ?? wanted),
      })),
      selector,
      ...(flags.text('type') !== undefined && { type: flags.text('type') }),
      ...(flags.text('cluster-ip') !== undefined && { clusterIP: flags.text('cluster-ip') }),
    },
  };
}
