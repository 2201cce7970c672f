import { MeshworkError } from '#domain';
import type { KubeStore } from '#kube-api';
import type { ContainerSpec, EnvVar, PodObject } from '../kube-types.ts';
import { configMapFiles, podField, secretFiles } from './references.ts';
import { type ResourceField, resourceText } from './resource-field.ts';
import { serviceVariables } from './service-variables.ts';

export interface EnvironmentOptions {
  readonly store: KubeStore;
  readonly pod: PodObject;
  readonly container: ContainerSpec;
  readonly podIp: string;
  readonly hostIp: string;
}

/** The container's spec names a key, a ConfigMap or a Secret that is not there: it cannot be created yet. */
export class ContainerConfigError extends MeshworkError {
  constructor(message: string) {
    super('MW9307', message);
  }
}

/**
 * A container's environment: HOSTNAME, the Services at that moment, then what the pod spec says. Throws
 * ContainerConfigError when a reference leads nowhere.
 */
export function containerEnvironment(options: EnvironmentOptions): Record<string, string> {
  const { pod, container } = options;
  const env = serviceVariables(options.store, pod);
  for (const source of (container['envFrom'] ?? []) as readonly EnvFrom[]) Object.assign(env, allOf(source, options));
  for (const variable of container.env ?? []) {
    const value = valueOf(variable, env, options);
    if (value !== undefined) env[variable.name] = value;
  }
  // The runtime's own: no reference finds it.
  return { HOSTNAME: pod.metadata.name, ...env };
}

interface EnvFrom {
  readonly prefix?: string;
  readonly configMapRef?: { readonly name: string; readonly optional?: boolean };
  readonly secretRef?: { readonly name: string; readonly optional?: boolean };
}

function valueOf(
  { value, valueFrom }: EnvVar,
  env: Readonly<Record<string, string>>,
  options: EnvironmentOptions,
): string | undefined {
  if (valueFrom?.fieldRef !== undefined) return podField(options.pod, valueFrom.fieldRef.fieldPath, options);
  if (valueFrom?.configMapKeyRef !== undefined) return keyOf('ConfigMap', valueFrom.configMapKeyRef, options);
  if (valueFrom?.secretKeyRef !== undefined) return keyOf('Secret', valueFrom.secretKeyRef, options);
  if (valueFrom?.resourceFieldRef !== undefined) return resourceOf(valueFrom.resourceFieldRef, options);
  return expand(value ?? '', env);
}

function resourceOf(field: ResourceField, options: EnvironmentOptions): string {
  const { spec } = options.pod;
  const named = [...spec.containers, ...(spec.initContainers ?? [])].find(({ name }) => name === field.containerName);
  return resourceText(field, named ?? options.container, options);
}

type ReferredKind = 'ConfigMap' | 'Secret';

function filesOf(kind: ReferredKind, name: string, { store, pod }: EnvironmentOptions) {
  const object = store.get(kind, { namespace: pod.metadata.namespace ?? '', name });
  const files = kind === 'ConfigMap' ? configMapFiles(object) : secretFiles(object);
  return { found: object !== undefined, files };
}

function keyOf(
  kind: ReferredKind,
  { name, key, optional }: { readonly name: string; readonly key: string; readonly optional?: boolean },
  options: EnvironmentOptions,
): string | undefined {
  const { found, files } = filesOf(kind, name, options);
  const value = files.get(key)?.toString('utf8');
  if (value !== undefined || optional === true) return value;
  const word = kind.toLowerCase();
  const namespace = options.pod.metadata.namespace ?? '';
  throw new ContainerConfigError(
    found ? `couldn't find key ${key} in ${kind} ${namespace}/${name}` : `${word} "${name}" not found`,
  );
}

function allOf({ prefix = '', configMapRef, secretRef }: EnvFrom, options: EnvironmentOptions): Record<string, string> {
  const reference = configMapRef ?? secretRef;
  if (reference === undefined) return {};
  const kind = configMapRef === undefined ? 'Secret' : 'ConfigMap';
  const { found, files } = filesOf(kind, reference.name, options);
  if (!found && reference.optional !== true)
    throw new ContainerConfigError(`${kind.toLowerCase()} "${reference.name}" not found`);
  return Object.fromEntries([...files].map(([key, bytes]) => [`${prefix}${key}`, bytes.toString('utf8')]));
}

/** `$(NAME)` of an earlier variable; unknown ones stay as they are, and `$$` is one `$`. Source: Kubernetes' third_party/forked/golang/expansion. */
export const expand = (value: string, env: Readonly<Record<string, string>>): string =>
  value.replace(/\$(?:\$|\(([^)]*)\))/g, (whole, name?: string) => (name === undefined ? '$' : (env[name] ?? whole)));

/** The container with its command and arguments as the kubelet starts it: references to its variables are filled in. */
export function withExpandedCommand(spec: ContainerSpec, env: Readonly<Record<string, string>>): ContainerSpec {
  const { HOSTNAME: _own, ...others } = env;
  const known = spec.env?.some(({ name }) => name === 'HOSTNAME') ? env : others;
  const fill = (words: readonly string[]): readonly string[] => words.map((word) => expand(word, known));
  const { command, args } = spec;
  return { ...spec, ...(command && { command: fill(command) }), ...(args && { args: fill(args) }) };
}
