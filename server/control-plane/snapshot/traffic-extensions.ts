import type { KubeObject } from '#domain';
import { type Config, compareText, toConfig } from './config.ts';
import { attaches, inNamespaces, type PolicySubject, type TargetedSpec } from './policy-target.ts';

export type ExecutionPhase = 'AUTHN' | 'AUTHZ' | 'STATS' | 'UNSPECIFIED';

/** Which of a workload's traffic an extension takes part in. */
export interface TrafficSelector {
  readonly mode?: 'UNDEFINED' | 'CLIENT' | 'SERVER' | 'CLIENT_AND_SERVER';
  readonly ports?: readonly { readonly number?: number }[];
}

/** A Wasm module and how it is run. */
export interface WasmConfig {
  readonly url?: string;
  readonly sha256?: string;
  readonly type?: 'UNSPECIFIED_PLUGIN_TYPE' | 'HTTP' | 'NETWORK';
  readonly pluginName?: string;
  readonly pluginConfig?: Readonly<Record<string, unknown>>;
  readonly failStrategy?: 'FAIL_CLOSE' | 'FAIL_OPEN' | 'FAIL_RELOAD';
  readonly imagePullPolicy?: 'UNSPECIFIED_POLICY' | 'IfNotPresent' | 'Always';
  readonly imagePullSecret?: string;
  readonly vmConfig?: { readonly env?: readonly VmVariable[] };
}

/** A variable of the module's machine: with a value here, or with the proxy's own. */
export interface VmVariable {
  readonly name?: string;
  readonly valueFrom?: 'INLINE' | 'HOST';
  readonly value?: string;
}

interface Placement extends TargetedSpec {
  readonly phase?: ExecutionPhase | 'UNSPECIFIED_PHASE';
  readonly priority?: number;
  readonly match?: readonly TrafficSelector[];
}

interface TrafficExtensionSpec extends Placement {
  readonly wasm?: WasmConfig;
  readonly lua?: { readonly inlineCode?: string };
}

type WasmPluginSpec = Placement & WasmConfig;

/** A TrafficExtension, or a WasmPlugin read as one. */
export interface TrafficExtension extends Config<TrafficExtensionSpec> {
  /** Of its filter, and of the configuration that a proxy asks for by that name. */
  readonly filterName: string;
  /** Its name inside the mesh: that of a WasmPlugin is marked. */
  readonly translatedName: string;
  readonly resourceVersion: string;
}

const FILTER_PREFIX = 'extensions.istio.io/trafficextension/';

/** Sets the filters of WasmPlugins apart from those of TrafficExtensions of the same name. */
const PLUGIN_MARK = '~istio-translated-wasmplugin';

/** Istio's own limit, in bytes. */
const MAX_LUA = 65_536;

/**
 * The extensions that can become filters, oldest first. Those without code are left out.
 * Source: translateWasmPlugin and convertToTrafficExtensionWrapper in istio pilot.
 */
export const deriveTrafficExtensions = (
  plugins: readonly KubeObject[],
  extensions: readonly KubeObject[],
): readonly TrafficExtension[] =>
  [
    ...extensions.map((object) => named(object, toConfig<TrafficExtensionSpec>(object), '')),
    ...plugins.map((object) => fromPlugin(object, toConfig<WasmPluginSpec>(object))),
  ]
    .filter(hasCode)
    .sort(
      (a, b) =>
        a.createdMs - b.createdMs ||
        compareText(a.filterName.slice(prefixOf(a).length), b.filterName.slice(prefixOf(b).length)) ||
        compareText(a.namespace, b.namespace),
    );

const prefixOf = ({ namespace }: Config<unknown>): string => `${FILTER_PREFIX}${namespace}.`;

const named = ({ metadata }: KubeObject, config: Config<TrafficExtensionSpec>, mark: string): TrafficExtension => ({
  ...config,
  filterName: `${prefixOf(config)}${config.name}${mark}`,
  translatedName: `${config.name}${mark}`,
  resourceVersion: metadata.resourceVersion ?? '',
});

function fromPlugin(object: KubeObject, config: Config<WasmPluginSpec>): TrafficExtension {
  const { phase, priority, match, selector, targetRef, targetRefs, ...wasm } = config.spec;
  const spec = { phase, priority, match, selector, targetRef, targetRefs };
  const given = Object.fromEntries(Object.entries(spec).filter(([, value]) => value !== undefined));
  return named(object, { ...config, spec: { ...given, wasm } }, PLUGIN_MARK);
}

function hasCode({ spec: { wasm, lua } }: TrafficExtension): boolean {
  if (wasm !== undefined) return (wasm.url ?? '') !== '';
  const size = Buffer.byteLength(lua?.inlineCode ?? '');
  return size > 0 && size <= MAX_LUA;
}

export type ChainKind = 'http' | 'network';

/** Lua reads HTTP only; a Wasm module whatever its type says. */
export const chainKind = ({ spec: { wasm } }: TrafficExtension): ChainKind =>
  wasm?.type === 'NETWORK' ? 'network' : 'http';

/**
 * The extensions of one workload: those of its namespace, then the root's; of higher priority first.
 * Source: TrafficExtensionsByListenerInfo in istio pilot.
 */
export function trafficExtensionsFor(
  all: readonly TrafficExtension[],
  subject: PolicySubject,
  rootNamespace: string,
): readonly TrafficExtension[] {
  return inNamespaces(all, [subject.namespace, rootNamespace])
    .filter((extension) => attaches(extension, subject))
    .sort((a, b) => priorityOf(b) - priorityOf(a));
}

/** Without one, an extension stands behind all that have any. */
const priorityOf = ({ spec: { priority } }: TrafficExtension): number => priority ?? -(2 ** 31);

/** Its phase; a phase that nobody declared counts as the last. */
export const phaseOf = ({ spec: { phase } }: TrafficExtension): ExecutionPhase =>
  phase === 'AUTHN' || phase === 'AUTHZ' || phase === 'STATS' ? phase : 'UNSPECIFIED';

/** Whether it takes part in traffic of this side on this port; any of its selectors will do. */
export function takesPart(
  { spec: { match = [] } }: TrafficExtension,
  side: 'CLIENT' | 'SERVER',
  port: number,
): boolean {
  if (match.length === 0) return true;
  return match.some(
    ({ mode = 'UNDEFINED', ports = [] }) =>
      (mode === 'UNDEFINED' || mode === 'CLIENT_AND_SERVER' || mode === side) &&
      (ports.length === 0 || ports.some(({ number = 0 }) => number !== 0 && number === port)),
  );
}
