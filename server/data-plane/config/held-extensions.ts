import type { Any, Listener, TypedExtensionConfig } from '#xds';
import { compiledOnce } from './compiled-once.ts';
import type { ExtensionConfigs } from './discovered-filters.ts';
import { type CompiledListener, compileListener } from './listener-config.ts';
import { withoutStructs } from './typed-structs.ts';

/** The configuration of a filter, in force. */
export interface HeldExtension {
  readonly versionInfo: string;
  readonly resource: TypedExtensionConfig;
}

const plainListener = compiledOnce((resource: Listener) => withoutStructs(resource));
const plainExtension = compiledOnce((config: Any) => withoutStructs(config));

/** A listener with the configurations that its filters ask for; a dump shows it as it came. Throws ConfigProblem. */
export const listenerOf = (resource: Listener, versionInfo: string, configs: ExtensionConfigs): CompiledListener => ({
  ...compileListener(plainListener(resource), versionInfo, configs),
  resource,
});

export const configsOf = (held: ReadonlyMap<string, HeldExtension>): ExtensionConfigs =>
  new Map([...held].map(([name, { resource }]) => [name, plainExtension(resource.typed_config)]));
