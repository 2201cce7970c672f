import type { KubeObject } from '#domain';
import { parseManifests } from '#istio';
import { type CliIo, type NamedText, UsageError } from './command.ts';

/** Kinds without a namespace; every other object without one belongs to `default`. */
const CLUSTER_SCOPED = new Set([
  'Namespace',
  'Node',
  'GatewayClass',
  'IngressClass',
  'CustomResourceDefinition',
  'ClusterRole',
]);

/**
 * The objects of these files, as a cluster would hold them a moment after `kubectl apply`. What cannot be read is reported on standard
 * error and left out. Throws `UsageError` when nothing at all can be read.
 */
export function readObjects(files: readonly NamedText[], io: CliIo): KubeObject[] {
  const { documents, diagnostics } = parseManifests(files);
  for (const { severity, message, location } of diagnostics) {
    io.err(`${severity}: ${location ? `${location.file}:${location.line}: ` : ''}${message}`);
  }
  if (documents.length === 0 && diagnostics.length > 0)
    throw new UsageError('the files hold no object that can be read');
  return documents.map(({ object }) => asStored(withoutNulls(object) as KubeObject));
}

/** A field that is null is not there, as the API server has it. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  const present = Object.entries(value).filter(([, field]) => field !== null);
  return Object.fromEntries(present.map(([key, field]) => [key, withoutNulls(field)]));
}

/**
 * Objects of Istio without a creation time are created now, all in the same moment: their names decide which is first. Those of
 * Kubernetes were there before.
 */
const CREATED_NOW = '9999-01-01T00:00:00Z';
const CREATED_BEFORE = '1970-01-01T00:00:00Z';

const isIstios = ({ apiVersion }: KubeObject): boolean => /(^|\.)istio\.io\//.test(apiVersion);

function asStored(object: KubeObject): KubeObject {
  const { metadata } = object;
  const namespace = CLUSTER_SCOPED.has(object.kind) ? undefined : (metadata.namespace ?? 'default');
  const creationTimestamp = isIstios(object) ? CREATED_NOW : CREATED_BEFORE;
  return {
    ...object,
    metadata: { creationTimestamp, ...metadata, ...(namespace !== undefined && { namespace }) },
  };
}
