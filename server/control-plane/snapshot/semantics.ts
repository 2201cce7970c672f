import type { Config } from './config.ts';

/** Annotation of generated VirtualServices: by which API's rules they act. */
export const ROUTE_SEMANTICS = 'internal.istio.io/route-semantics';

/** Routes of the Kubernetes Gateway API: a path prefix ends at a slash, a missing backend is 500, hosts are taken literally. */
export const usesGatewaySemantics = ({ annotations }: Config<unknown>): boolean =>
  annotations?.[ROUTE_SEMANTICS] === 'gateway';

/** Rules of a Kubernetes Ingress: a path prefix ends at a slash. */
export const usesIngressSemantics = ({ annotations }: Config<unknown>): boolean =>
  annotations?.[ROUTE_SEMANTICS] === 'ingress';
