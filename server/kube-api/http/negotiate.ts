/** One entry of an Accept header. */
interface MediaRange {
  readonly type: string;
  readonly parameters: Readonly<Record<string, string>>;
}

function ranges(accept: string): MediaRange[] {
  return accept.split(',').map((entry) => {
    const [type = '', ...parameters] = entry.split(';').map((part) => part.trim());
    const pairs = parameters.map((parameter) => parameter.split('=', 2) as [string, string?]);
    return {
      type: type.toLowerCase(),
      parameters: Object.fromEntries(pairs.map(([key, value]) => [key, value ?? ''])),
    };
  });
}

/** The form in which a client wants objects. */
export interface ObjectForm {
  readonly as: 'Object' | 'Table' | 'PartialObjectMetadata';
  /** `v1` or `v1beta1` of meta.k8s.io. */
  readonly version: string;
}

/**
 * Picks the first form that a client accepts and we can answer: objects are answered as JSON. Undefined when it accepts none of ours.
 */
export function objectForm(accept: string | undefined): ObjectForm | undefined {
  if (!accept) return { as: 'Object', version: '' };
  for (const { type, parameters } of ranges(accept)) {
    if (type !== 'application/json' && type !== '*/*' && type !== 'application/*') continue;
    const { as = '', g = '', v = '' } = parameters;
    if (as === '') return { as: 'Object', version: '' };
    const known = g === 'meta.k8s.io' && (v === 'v1' || v === 'v1beta1');
    if (known && as === 'Table') return { as: 'Table', version: v };
    if (known && (as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList')) {
      return { as: 'PartialObjectMetadata', version: v };
    }
  }
  return undefined;
}

/** The version of aggregated discovery that a client asks for first (`v2`, `v2beta1`); undefined for the legacy form. */
export function discoveryVersion(accept: string | undefined): 'v2' | 'v2beta1' | undefined {
  for (const { type, parameters } of ranges(accept ?? '')) {
    if (type !== 'application/json') continue;
    const { as = '', g = '', v = '' } = parameters;
    if (as === '') return undefined;
    if (as === 'APIGroupDiscoveryList' && g === 'apidiscovery.k8s.io' && (v === 'v2' || v === 'v2beta1')) return v;
  }
  return undefined;
}
