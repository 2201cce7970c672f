import type { Config } from './config.ts';
import type { HttpRoute, VirtualServiceSpec } from './istio-types.ts';

/** One entry of `spec.http`, with complete host names and the places its parts come from. */
export interface HttpRule {
  readonly spec: HttpRoute;
  /** The object that holds the rule: the delegate's where a delegate supplied it. */
  readonly owner: Config<VirtualServiceSpec>;
  /** `spec.http[0]` */
  readonly path: string;
  /** The place of each match block; shorter than `spec.match` where a match has no place in the owner. */
  readonly matchPaths: readonly string[];
  /** Fields that a root rule lent to a delegate: they have no place in the owner. */
  readonly inherited: ReadonlySet<string>;
}
