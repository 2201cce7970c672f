import type { Origin } from '#domain';

/** The object and field that cause a piece of proxy configuration. */
export interface FieldOrigin extends Origin {
  readonly apiVersion: string;
}
