import { MeshworkError } from '#domain';
import type { KubeStore } from '#kube-api';
import type { ContainerSpec, EnvVar, PodObject, ServiceObject } from '../kube-types.ts';
import { configMapFiles, podField, secretFiles } from './references.ts';
import { type ResourceField, resourceText } from './resource-field.ts';

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
 * A container's environment: HOSTNAME, the Services of its namespace at that moment, then what the pod spec says. Throws
 * ContainerConfigError when a reference leads nowhere.
 */
export function containerEnvironment(options: EnvironmentOptions): Record<string, string> {
  const { pod, container } = options;
  const env: Record<string, string> = { HOSTNAME: pod.metadata.name, ...serviceVariables(options) };
  for (const source of (container['envFrom'] ?? []) as readonly EnvFrom[]) Object.assign(env, allOf(source, options));
  for (const variable of container.env ?? []) {
    const value = valueOf(variable, env, options);
    if (value !== undefined) env[variable.name] = value;
  }
  return env;
}

function serviceVariables({ store, pod }: EnvironmentOptions): Record<string, string> {
  const env: Record<string, string> = {};
  if (pod.spec['enableServiceLinks'] === false) return env;
  for (const { metadata, spec } of store.list('Service', {
    namespace: pod.metadata.namespace ?? '',
  }) as ServiceObject[]) {
    const port = spec.ports?.[0]?.port;
    if (port === undefined || spec.clusterIP === undefined || spec.clusterIP === 'None') continue;
    const prefix = metadata.name.toUpperCase().replaceAll('-', '_');
    env[`${prefix}_SERVICE_HOST`] = spec.clusterIP;
    env[`${prefix}_SERVICE_PORT`] = String(port);
  }
  return env;
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

/** `$(NAME)` of an earlier variable; unknown ones stay as they are. */
export const expand = (value: string, env: Readonly<Record<string, string>>): string =>
  value.replace(/\$\((\w+)\)/g, (whole, name: string) => env[name] ?? whole);
