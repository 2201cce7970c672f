import type { KubeObject } from '#domain';
import { isRecord, type JsonRecord } from '../json.ts';
import { badRequest } from '../status-error.ts';
import type { ResourceRequest } from './resource.ts';

/**
 * An object of a body in its place: the kind, version, namespace and name must be those of the URL where the object tells them.
 * Throws BadRequest when they are not.
 */
export function placeObject(request: ResourceRequest, body: JsonRecord): KubeObject {
  const { apiVersion, kind, path } = request;
  const found = { apiVersion: body['apiVersion'] ?? apiVersion, kind: body['kind'] ?? kind.kind };
  if (typeof found.apiVersion !== 'string' || typeof found.kind !== 'string') {
    throw badRequest("couldn't get version/kind; json parse error: apiVersion and kind must be strings");
  }
  if (found.kind !== kind.kind) {
    const version = found.apiVersion.split('/').at(-1);
    throw badRequest(
      `${found.kind} in version "${version}" cannot be handled as a ${kind.kind}: the kinds do not match`,
    );
  }
  if (found.apiVersion !== apiVersion) {
    throw badRequest(
      `the API version in the data (${found.apiVersion}) does not match the expected API version (${apiVersion})`,
    );
  }
  const metadata = body['metadata'] ?? {};
  if (!isRecord(metadata)) throw badRequest('metadata must be an object');
  const settled: JsonRecord = { ...metadata };
  for (const field of ['name', 'namespace', 'generateName']) {
    const value = settled[field];
    if (value === '' || value === null) delete settled[field];
    else if (value !== undefined && typeof value !== 'string') throw badRequest(`metadata.${field} must be a string`);
  }
  const object: KubeObject = {
    ...body,
    apiVersion: found.apiVersion,
    kind: found.kind,
    metadata: settled as unknown as KubeObject['metadata'],
  };
  if (!kind.namespaced) return object;
  const { namespace = path.namespace } = object.metadata;
  if (namespace !== path.namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  object.metadata.namespace = namespace;
  return object;
}

/** Throws BadRequest when an object's name is not the one of the URL. */
export function requireName({ path }: ResourceRequest, object: KubeObject): void {
  const { name } = object.metadata;
  if (name === path.name) return;
  throw badRequest(`the name of the object (${name ?? ''}) does not match the name on the URL (${path.name})`);
}
