import type { Listener, OriginMetadata } from '#xds';
import type { PlacedJwtRule } from '../../snapshot/request-authentications.ts';
import { providerName } from './jwt-authn.ts';

/** By provider of the filter: the rule that it stands for. Envoy's message has no place for it. */
export type TokenOrigins = Readonly<Record<string, OriginMetadata>>;

export const tokenOrigins = (rules: readonly PlacedJwtRule[]): TokenOrigins =>
  Object.fromEntries(
    rules.map(({ owner: { namespace, name }, path }, i) => [
      providerName(i),
      { kind: 'RequestAuthentication', namespace, name, path },
    ]),
  );

/** The listener with them in its metadata, where its proxy looks when it words a refusal. */
export function withTokenOrigins(listener: Listener, tokens: TokenOrigins): Listener {
  if (Object.keys(tokens).length === 0) return listener;
  const { filter_metadata = {} } = listener.metadata ?? {};
  const meshwork = { ...filter_metadata['meshwork'], tokens };
  return { ...listener, metadata: { filter_metadata: { ...filter_metadata, meshwork } } };
}
