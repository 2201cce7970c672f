import type { FieldProblem, KubeObject } from '#domain';
import { childPath } from '../manifests/path.ts';
import { isValueRead } from './envoy-patch.ts';
import { type Field, specOf } from './field.ts';
import { Findings } from './findings.ts';

interface Found {
  readonly path: string;
  readonly message: string;
  readonly reason?: string;
}

/** Reads protobuf JSON of a message of Envoy's API, by the message's full name. */
export type CheckMessage = (
  typeName: string,
  json: unknown,
) => { readonly invalid: readonly Found[]; readonly unknown: readonly Found[]; readonly untyped: readonly string[] };

/** The message that a patch is a part of. */
const MESSAGES: Readonly<Record<string, string>> = {
  CLUSTER: 'envoy.config.cluster.v3.Cluster',
  LISTENER: 'envoy.config.listener.v3.Listener',
  ROUTE_CONFIGURATION: 'envoy.config.route.v3.RouteConfiguration',
  FILTER_CHAIN: 'envoy.config.listener.v3.FilterChain',
  HTTP_FILTER: 'envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter',
  NETWORK_FILTER: 'envoy.config.listener.v3.Filter',
  VIRTUAL_HOST: 'envoy.config.route.v3.VirtualHost',
  HTTP_ROUTE: 'envoy.config.route.v3.Route',
  EXTENSION_CONFIG: 'envoy.config.core.v3.TypedExtensionConfig',
  BOOTSTRAP: 'envoy.config.bootstrap.v3.Bootstrap',
  LISTENER_FILTER: 'envoy.config.listener.v3.ListenerFilter',
};

/** A path inside the value, as a path of the object. */
const inside = (value: Field, path: string): string =>
  path.split('.').reduce((at, step) => (step === '' ? at : childPath(at, step)), value.path);

function checkValue(patch: Field, check: CheckMessage, findings: Findings): void {
  const applyTo = patch.get('applyTo').text;
  const value = patch.at('patch.value');
  const message = MESSAGES[applyTo];
  if (!value.exists) return;
  if (message === undefined) {
    findings.reject(patch.get('applyTo'), `Envoy filter: unknown object type for applyTo ${applyTo}`);
    return;
  }
  const { invalid, unknown, untyped } = check(message, value.value);
  const at = (path: string): Field => value.withPath(inside(value, path));
  for (const { path, message: why, reason } of invalid) {
    findings.reject(at(path), `${reason === undefined ? '' : `${reason}: `}Envoy filter: ${why}`);
  }
  if (invalid.length > 0) return;
  for (const each of unknown)
    findings.warn(at(each.path), `Envoy filter: ${each.message}`, "Check the field's spelling.");
  // Istio looks for these only in a value that has no unknown field.
  if (unknown.length === 0 && untyped.length > 0) {
    const names = untyped.join(', ');
    findings.warn(
      value,
      `using deprecated types by name without typed_config; ${names}`,
      'Add typed_config with its @type.',
    );
  }
}

/** What is wrong with the values of an EnvoyFilter's patches; nothing for other kinds, or without a reader of messages. */
export function patchProblems(object: KubeObject, check: CheckMessage | undefined): FieldProblem[] {
  if (object.kind !== 'EnvoyFilter' || !check) return [];
  const findings = new Findings();
  for (const patch of specOf(object).get('configPatches').items) {
    if (isValueRead(patch)) checkValue(patch, check, findings);
  }
  return findings.problems;
}
