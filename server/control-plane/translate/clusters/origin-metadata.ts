import { parseApiVersion } from '#domain';
import type { Metadata, OriginMetadata } from '#xds';
import type { FieldOrigin } from '../../snapshot/field-origin.ts';
import type { Service } from '../../snapshot/services.ts';

/** Field paths behind the parts of an xDS object; parts without a path are left out. */
export type OriginParts = Readonly<Record<string, string | undefined>>;

/** `VirtualService` → `virtual-service`, as Istio writes kinds in metadata. */
const kebab = (kind: string): string => kind.replace(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase();

/** `/apis/networking.istio.io/v1/namespaces/default/virtual-service/reviews` */
export function configPath(origin: FieldOrigin): string {
  const { apiVersion, namespace, kind, name } = origin.generated ?? origin;
  const { group, version } = parseApiVersion(apiVersion);
  return `/apis/${group}/${version}/namespaces/${namespace}/${kebab(kind)}/${name}`;
}

/** Metadata with Istio's own `istio.config` and Meshwork's field paths. */
export function originMetadata(origin: FieldOrigin, parts: OriginParts = {}): Metadata {
  const meshwork = { meshwork: meshworkOrigin(origin, parts) };
  // Istio names only its own kinds there: objects of the core group have no `config`.
  return origin.kind === 'Service' || origin.kind === 'ServiceEntry'
    ? { filter_metadata: meshwork }
    : { filter_metadata: { istio: { config: configPath(origin) }, ...meshwork } };
}

export function meshworkOrigin(origin: FieldOrigin, parts: OriginParts = {}): Record<string, unknown> {
  const { kind, namespace, name, path, generated } = origin;
  const known = Object.entries(parts).flatMap(([part, field]) =>
    field === undefined ? [] : [[part, generated?.sourcePath(field) ?? field] as const],
  );
  const held: OriginMetadata = { kind, namespace, name, path };
  return { ...held, ...(known.length > 0 && { parts: Object.fromEntries(known) }) };
}

/** The place of a service (or one of its ports). */
export const serviceOrigin = ({ origin }: Service, portIndex?: number): FieldOrigin =>
  portIndex === undefined ? origin : { ...origin, path: `spec.ports[${portIndex}]` };
