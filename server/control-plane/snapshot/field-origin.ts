import type { Origin } from '#domain';

/** The object and field that cause a piece of proxy configuration. */
export interface FieldOrigin extends Origin {
  readonly apiVersion: string;
  /** Where Istio's own object is generated from this one (a VirtualService from an HTTPRoute): that object. */
  readonly generated?: GeneratedObject;
}

export interface GeneratedObject extends Omit<Origin, 'path'> {
  readonly apiVersion: string;
  /** Where a field of the generated object stands in the origin. */
  sourcePath(path: string): string;
}
