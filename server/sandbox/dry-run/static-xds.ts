import type { AdsClient, AdsClientOptions, ResourceByType, TypeUrl, XdsSnapshot } from '#xds';

/** What a proxy refused of what it was sent. */
export type OnRefused = (rejection: { readonly name: string; readonly message: string }) => void;

/** An xDS client without a server: each subscription is answered once, with what the snapshot holds. */
export function createStaticXds(
  resources: XdsSnapshot['resources'],
  onRefused: OnRefused,
): (options: AdsClientOptions) => AdsClient {
  return ({ onUpdate }) => ({
    start: () => undefined,
    stop: () => undefined,
    subscribe: (typeUrl: TypeUrl, names) =>
      queueMicrotask(() => {
        const held = [...(resources.get(typeUrl)?.values() ?? [])];
        const wanted = names === '*' ? held : held.filter(({ name }) => names.includes(name));
        const upserted = wanted.map(({ name, version, json }) => ({
          name,
          version,
          resource: json as ResourceByType[TypeUrl],
        }));
        for (const rejection of onUpdate({ typeUrl, versionInfo: 'dry-run', upserted, removed: [] }))
          onRefused(rejection);
      }),
  });
}
